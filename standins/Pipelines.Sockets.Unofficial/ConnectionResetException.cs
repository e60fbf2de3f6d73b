namespace Pipelines.Sockets.Unofficial;

/// <summary>The connection broke; what was in flight may or may not have arrived.</summary>
public sealed class ConnectionResetException : IOException
{
    /// <summary>Says what was going on.</summary>
    /// <param name="message">What was being done.</param>
    /// <param name="inner">What the transport reported.</param>
    public ConnectionResetException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
