namespace Pipelines.Sockets.Unofficial;

/// <summary>How a <see cref="SocketConnection"/> uses its socket.</summary>
[Flags]
public enum SocketConnectionOptions
{
    /// <summary>Receives wait with a buffer in hand.</summary>
    None = 0,

    /// <summary>Receives take a buffer only when there is something to put into it.</summary>
    ZeroLengthReads = 1,
}
