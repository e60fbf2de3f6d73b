using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>Follows one partition's stream: waits for its lock, and reads while it holds the lock.</summary>
internal sealed partial class PartitionReader(
    Partition partition,
    EventStream events,
    NpgsqlDataSource ledger,
    BatchWriter writer,
    MaterializerMetrics metrics,
    Outage outage,
    MaterializerOptions options,
    TimeProvider time,
    ILogger log)
{
    /// <summary>The kind of the locks of readers: "mat" in ASCII.</summary>
    private const int LockKind = 0x6D6174;

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// How long an instance waits before it logs that it stands by. By then the lock of a restarted instance's previous
    /// process is released.
    /// </summary>
    private static readonly TimeSpan SilentWait = TimeSpan.FromSeconds(3);

    private StoredPosition? lossReported;
    private long? waitingSince;
    private bool waitReported;

    /// <summary>Reads until it is cancelled; it continues after outages and after losing the lock.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var backoff = FirstBackoff;
        while (!stopping.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                await ReadWhileLockedAsync(() => backoff = FirstBackoff, stopping);
                pause = options.TakeoverInterval;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (PositionMovedException e)
            {
                LockLost(e.Message);
                pause = options.TakeoverInterval;
            }
            catch (StoreException e)
            {
                outage.Failed(partition.Index, e);
                pause = backoff;
                backoff = backoff * 2 < options.LongestBackoff ? backoff * 2 : options.LongestBackoff;
            }

            await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadWhileLockedAsync(Action worked, CancellationToken stopping)
    {
        await using var session = await AdvisoryLease.TryTakeAsync(
            ledger, AdvisoryLock.Of(LockKind, partition.Index), options.ReaderLease, stopping);
        if (session is null)
        {
            outage.Works(partition.Index);
            ReportWait();
            return;
        }

        (waitingSince, waitReported) = (null, false);
        try
        {
            var (stored, fence) = await StoredPosition.ReadAsync(session.Connection, partition.Index, stopping);
            var stream = new StreamReading(
                partition, session, stored, fence, events, writer, metrics, options, time, ReportLoss);
            while (true)
            {
                var full = await stream.PassAsync(stopping);
                outage.Works(partition.Index);
                worked();
                if (!full) await Task.Delay(options.PollInterval, time, stopping);
            }
        }
        finally
        {
            metrics.Left(partition.Index);
        }
    }

    private void ReportWait()
    {
        waitingSince ??= time.GetTimestamp();
        if (waitReported || time.GetElapsedTime(waitingSince.Value) < SilentWait) return;
        waitReported = true;
        StandsBy(partition.Index);
    }

    private void ReportLoss(StoredPosition stored)
    {
        if (stored == lossReported) return;
        lossReported = stored;
        StreamIsAnother(partition.Index, stored.StreamId);
    }

    [LoggerMessage(
        1, LogLevel.Error,
        "Redis lost events of partition {Partition}: the last stored one, {StreamId}, is no longer in its stream. "
        + "The current stream is read from its beginning.")]
    private partial void StreamIsAnother(int partition, string streamId);

    [LoggerMessage(2, LogLevel.Warning, "{Reason} This instance waits for the lock.")]
    private partial void LockLost(string reason);

    [LoggerMessage(
        3, LogLevel.Information, "Partition {Partition} is read by another instance; this one stands by.")]
    private partial void StandsBy(int partition);
}
