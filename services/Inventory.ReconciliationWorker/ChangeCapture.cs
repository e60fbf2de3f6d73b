using Inventory.Ledger;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Sends every change of a total, a limit or a pause from PostgreSQL to Redis as soon as it is committed, by any
/// writer. Any number of instances may run: one is the leader and captures, the others wait to take over.
/// </summary>
/// <remarks>
/// Invariants:
/// <list type="bullet">
/// <item>a change is confirmed to PostgreSQL only when Redis has it: a crash anywhere repeats changes and loses none,
/// and versions make the repetition harmless;</item>
/// <item>a new slot is created before the sweep that finds the changes before it;</item>
/// <item>only one batch is in memory: while it is written, PostgreSQL has to wait.</item>
/// </list>
/// By design: the values in a change are not used. The row is read again with its limits, and may be newer than the
/// change.
/// </remarks>
public sealed partial class ChangeCapture(
    StockLoader loader,
    StockWriter writer,
    StoreOutages outages,
    ReconciliationMetrics metrics,
    IServiceScopeFactory scopes,
    IOptions<ReconciliationOptions> options,
    TimeProvider time,
    ILogger<ChangeCapture> log) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // Long enough to cost nothing, short enough for an orderly shutdown of PostgreSQL, which waits for a confirmation.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);

    // A SKU that sells changes with every transaction of confirms, which also reach Redis by their commits. So changes
    // that come soon after a write are collected; a change after a quiet time is written at once.
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(25);

    // A commit reaches its slot some microseconds before other sessions see it; with a synchronous standby it takes as
    // much longer as the standby needs to answer.
    private static readonly TimeSpan NotYetVisible = TimeSpan.FromMilliseconds(5);

    private TimeSpan pause = FirstPause;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        while (true)
        {
            try
            {
                await CaptureAsync(stoppingToken);
            }
            catch (Exception e) when (StoreOutages.IsOfStore(e))
            {
                // PostgreSQL sends unconfirmed changes again.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
            finally
            {
                metrics.Captures(false);
            }

            await Task.Delay(pause, time, stoppingToken);
            pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, LongestPause.Ticks));
        }
    }

    /// <summary>Waits for the slot, and follows it until a failure.</summary>
    private async Task CaptureAsync(CancellationToken cancellation)
    {
        var connectionString = await ConnectionStringAsync();
        await using var session = await CaptureSession.OpenAsync(connectionString, options.Value.Slot, cancellation);
        await AcquireAsync(session, cancellation);
        await using var stream = await ChangeStream.OpenAsync(connectionString, options.Value.Slot, cancellation);
        var batch = new ChangeBatch(options.Value.CaptureBatch);
        var writtenAt = 0L;
        while (true)
        {
            var isReady = !batch.IsEmpty && !batch.IsOpen;
            var patience = isReady ? Gathering - time.GetElapsedTime(writtenAt) : Idle;
            // Received changes go into one batch; batches never wait to fill.
            if (batch.IsFull || (patience <= TimeSpan.Zero && !stream.HasMessage))
            {
                await WriteAsync(session, stream, batch, cancellation);
                writtenAt = time.GetTimestamp();
                Works();
            }
            else if (stream.HasMessage || await stream.WaitAsync(patience, time, cancellation))
            {
                await stream.TakeAsync(batch, cancellation);
            }
            else if (!isReady)
            {
                if (!batch.IsOpen) stream.ConfirmReceived();
                Measure(stream, await session.ReadPositionAsync(cancellation));
                Works();
            }
        }
    }

    /// <summary>Returns when this instance alone may use the slot, and the slot exists.</summary>
    private async Task AcquireAsync(CaptureSession session, CancellationToken cancellation)
    {
        var waited = false;
        while (!await session.TryLockAsync(cancellation))
        {
            // Another instance is the leader, which is fine too.
            waited = true;
            Works();
            await Task.Delay(options.Value.TakeoverInterval, time, cancellation);
        }

        SlotState slot;
        while ((slot = await session.PrepareAsync(cancellation)) == SlotState.Busy)
        {
            await Task.Delay(options.Value.TakeoverInterval, time, cancellation);
        }

        // An instance that crashed may have created the slot without finishing its sweep.
        if (slot == SlotState.New || waited) loader.RequestSweep();
        if (slot == SlotState.New) SlotMade(options.Value.Slot);
        if (waited) TookOver(options.Value.Slot);
    }

    private async Task WriteAsync(
        CaptureSession session, ChangeStream stream, ChangeBatch batch, CancellationToken cancellation)
    {
        var missing = batch.Versions.Keys.ToArray();
        LedgerPosition position;
        long readAt;
        while (true)
        {
            (position, var levels) = await session.ReadAsync(missing, cancellation);
            readAt = time.GetTimestamp();
            metrics.Changed(await writer.WriteAsync(levels, cancellation));
            var seen = levels.Where(level => level.Version >= batch.Versions[level.Sku]).Select(level => level.Sku);
            missing = [.. missing.Except(seen, StringComparer.Ordinal)];
            if (missing.Length == 0) break;
            await Task.Delay(NotYetVisible, time, cancellation);
        }

        var writing = time.GetElapsedTime(readAt);
        foreach (var commit in batch.Commits) metrics.Applied(position.Clock - commit + writing);
        if (batch.Commits.Count > 0) stream.Confirm(batch.End);
        batch.Clear();
        Measure(stream, position);
    }

    private void Measure(ChangeStream stream, LedgerPosition position)
    {
        metrics.Captures(true);
        metrics.Behind(Math.Max(0, (long)((ulong)position.Written - (ulong)stream.Confirmed)));
    }

    private void Works()
    {
        pause = FirstPause;
        outages.Ended(this);
    }

    private async Task<string> ConnectionStringAsync()
    {
        await using var scope = scopes.CreateAsyncScope();
        return scope.ServiceProvider.GetRequiredService<LedgerContext>().Database.GetConnectionString()!;
    }

    [LoggerMessage(1, LogLevel.Information, "The slot {Slot} is new: a sweep finds what changed before it.")]
    private partial void SlotMade(string slot);

    [LoggerMessage(2, LogLevel.Information, "Took over the slot {Slot} from an instance that is gone.")]
    private partial void TookOver(string slot);
}
