using System.IO.Pipelines;

namespace Pipelines.Sockets.Unofficial;

/// <summary>A duplex pipe that counts what went over the wire.</summary>
public interface IMeasuredDuplexPipe : IDuplexPipe
{
    /// <summary>Bytes the transport has accepted for sending.</summary>
    long TotalBytesSent { get; }

    /// <summary>Bytes received, whether read from the pipe or not.</summary>
    long TotalBytesReceived { get; }
}
