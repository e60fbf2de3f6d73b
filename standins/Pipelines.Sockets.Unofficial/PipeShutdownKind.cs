namespace Pipelines.Sockets.Unofficial;

/// <summary>What ended a connection first. StackExchange.Redis is compiled against these numbers.</summary>
public enum PipeShutdownKind
{
    /// <summary>Nothing yet.</summary>
    None = 0,

    /// <summary>The pipe was disposed.</summary>
    PipeDisposed = 1,

    /// <summary>The peer will send nothing more.</summary>
    ReadEndOfStream = 100,

    /// <summary>The transport was disposed while receiving.</summary>
    ReadDisposed = 101,

    /// <summary>Receiving failed in a stream.</summary>
    ReadIOException = 102,

    /// <summary>Receiving failed otherwise.</summary>
    ReadException = 103,

    /// <summary>Receiving failed in the socket.</summary>
    ReadSocketError = 104,

    /// <summary>Nobody reads any more what is received.</summary>
    ReadFlushCompleted = 105,

    /// <summary>Handing over what was received was cancelled.</summary>
    ReadFlushCanceled = 106,

    /// <summary>Nothing more will be sent, and everything written has been.</summary>
    WriteEndOfStream = 200,

    /// <summary>The transport was disposed while sending.</summary>
    WriteDisposed = 201,

    /// <summary>Sending failed in a stream.</summary>
    WriteIOException = 203,

    /// <summary>Sending failed otherwise.</summary>
    WriteException = 204,

    /// <summary>Sending failed in the socket.</summary>
    WriteSocketError = 205,

    /// <summary>The reader of the input was completed.</summary>
    InputReaderCompleted = 300,

    /// <summary>The client ended the conversation as its protocol has it.</summary>
    ProtocolExitClient = 400,

    /// <summary>The server ended the conversation as its protocol has it.</summary>
    ProtocolExitServer = 401,
}
