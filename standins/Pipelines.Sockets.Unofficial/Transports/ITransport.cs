using System.Buffers;

namespace Pipelines.Sockets.Unofficial.Transports;

/// <summary>What a <see cref="DuplexPump"/> moves bytes over: one receive and one send at a time.</summary>
internal interface ITransport
{
    /// <summary>Bytes that have arrived and not been received, or -1 when that can't be known.</summary>
    long Available { get; }

    /// <summary>Waits until a receive is worth a buffer; at once when the transport always wants one.</summary>
    /// <returns>The wait.</returns>
    ValueTask WaitAsync();

    /// <summary>Receives bytes, waiting for the first.</summary>
    /// <param name="buffer">Where to put them; not empty.</param>
    /// <returns>How many came, 0 when the peer will send nothing more.</returns>
    ValueTask<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Sends from the start of a buffer.</summary>
    /// <param name="buffer">Not empty.</param>
    /// <returns>How many bytes were taken, 1 or more.</returns>
    ValueTask<long> SendAsync(ReadOnlySequence<byte> buffer);

    /// <summary>Tells the peer that nothing more will be sent.</summary>
    void FinishSending();

    /// <summary>Ends both directions and whatever waits in them. Safe from any thread, again and again.</summary>
    void Close();
}
