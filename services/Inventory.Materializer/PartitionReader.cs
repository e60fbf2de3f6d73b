using Inventory.Stock;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Materializer;

/// <summary>
/// Follows one partition's stream: waits for its lock, and reads while it has it.
/// </summary>
internal sealed partial class PartitionReader(
    Partition partition,
    StockEngine stock,
    NpgsqlDataSource ledger,
    BatchWriter writer,
    MaterializerMetrics metrics,
    Outage outage,
    MaterializerOptions options,
    TimeProvider time,
    ILogger log)
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(50);

    /// <summary>Long enough for a restarted instance to find its former life's lock released.</summary>
    private static readonly TimeSpan SilentWait = TimeSpan.FromSeconds(3);

    private StoredPosition? lossReported;
    private long? waitingSince;
    private bool waitReported;

    /// <summary>Reads until told to stop, through outages and the loss of the lock.</summary>
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
            catch (Exception e) when (e is NpgsqlException or RedisException or RedisTimeoutException)
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
        await using var session = await ReaderSession.TryOpenAsync(
            ledger, partition.Index, options.ReaderLease, stopping);
        if (session is null)
        {
            outage.Works(partition.Index);
            ReportWait();
            return;
        }

        (waitingSince, waitReported) = (null, false);
        try
        {
            var (stored, fence) = await session.ReadPositionAsync(partition.Index, stopping);
            var stream = new StreamReading(
                partition, session, stored, fence, stock, writer, metrics, options, time, ReportLoss);
            while (true)
            {
                var full = await stream.PassAsync(stopping);
                outage.Works(partition.Index);
                worked();
                if (!full) await Task.Delay(options.PollInterval, time, stopping);
            }
        }
        catch (InvalidOperationException e) when (e is ObjectDisposedException || session.HasEnded)
        {
            // Used after it broke, a connection says that it isn't open, or that a part of it has been disposed of.
            throw new NpgsqlException("The session has ended.", e);
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
        "Redis lost events of partition {Partition}: the last one stored, {StreamId}, is not in its stream any more. "
        + "What the stream has now is read from its beginning.")]
    private partial void StreamIsAnother(int partition, string streamId);

    [LoggerMessage(2, LogLevel.Warning, "{Reason} This one waits for its turn.")]
    private partial void LockLost(string reason);

    [LoggerMessage(
        3, LogLevel.Information, "Partition {Partition} is read by another instance; this one stands by to take over.")]
    private partial void StandsBy(int partition);
}
