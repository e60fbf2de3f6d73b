using System.Globalization;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>
/// Compares one partition of Redis with PostgreSQL, and restores what is missing, before the partition sells again.
/// </summary>
/// <remarks>
/// Invariants: the partition is fenced from the first step to the last, and is opened only for the run and the data
/// that the fence was closed for. Each step may be repeated, so the next rebuild continues after one that was
/// interrupted.
/// Data that another run left is kept without a comparison if it has the last opened epoch and the last stored event.
/// It is then that run's data at that time or later, and PostgreSQL has nothing newer (ADR 0019).
/// </remarks>
public sealed partial class StockRebuild(
    Maintenance maintenance,
    Fences fences,
    IServiceScopeFactory scopes,
    ReconciliationMetrics metrics,
    TimeProvider time,
    ILogger<StockRebuild> log)
{
    private const string New = "it has no data that PostgreSQL knows";

    /// <summary>The interval between two log lines about the progress.</summary>
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(3);

    /// <summary>The interval between two reads of the materializer's position, which polls about as often.</summary>
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(50);

    private bool hidden;

    /// <summary>Whether a rebuild is waiting for the materializer to store all events.</summary>
    public bool AwaitsMaterializer { get; private set; }

    /// <summary>The number in an epoch's text; 0 without an epoch.</summary>
    public static long NumberOf(string epoch) =>
        long.TryParse(epoch.AsSpan(0, Math.Max(0, epoch.IndexOf(':', StringComparison.Ordinal))), out var number)
            ? number
            : 0;

    /// <summary>Rebuilds a partition and opens its fence.</summary>
    /// <returns>Whether it sells now; false when the server or its data was replaced during the rebuild.</returns>
    internal async Task<bool> RunAsync(Partition partition, AdvisoryLease lease, CancellationToken stopping)
    {
        var began = time.GetTimestamp();
        // 1. Close the fence: nothing is sold from here on.
        var (token, unfinished) = (Guid.NewGuid().ToString("N"), await maintenance.IsRebuildUnfinishedAsync(partition));
        var known = NumberOf((await maintenance.VerifyOrFenceAsync(partition)).Epoch);
        if (await TryCloseAsync(partition, token) is not { } closed) return false;
        var ((run, former), mistyped) = closed;
        var stored = await ReadStoredAsync(partition, stopping);
        var last = await maintenance.ReadLastEventIdAsync(partition);
        var isAhead = !StreamIds.IsPlausible(last, await maintenance.NowAsync());
        var sold = await fences.ReadSoldAsync(partition.Index, stopping);
        // The former epoch is known as long as no hold was changed, also after an interrupted rebuild.
        var goesOn = former.Length > 0 && NumberOf(former) == sold && mistyped.Count == 0 && !isAhead
            && stored is not null && await maintenance.HasEventAsync(partition, stored);
        var cause = mistyped.Count > 0
            ? $"keys of another type were removed from it: {string.Join(", ", mistyped)}"
            : isAhead ? $"its last event, {last}, has an id of the far future, and its events begin anew"
            : Cause(stored, last, unfinished, goesOn);
        var harmless = cause.StartsWith(New, StringComparison.Ordinal);
        Began(harmless ? LogLevel.Information : LogLevel.Warning, partition.Index, cause);
        // 2. Raise the epoch: no order is written for an earlier pin, and no event is stored that was read before.
        // Transactions that have begun commit before this call returns, or fail.
        var number = await fences.RaiseAsync(
            partition.Index, Math.Max(known, NumberOf(former)), cause, stopping);
        await using var scope = scopes.CreateAsyncScope();
        var holds = scope.ServiceProvider.GetRequiredService<HoldRebuild>();
        var unheard = goesOn ? await holds.FindUnheardAsync(partition, stored!, stopping) : [];
        var progress = new RebuildProgress();
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var report = ReportAsync(partition, progress, lease, lost, finished.Token);
        try
        {
            // Totals don't come by events, so Redis may have lost some although it has the last event.
            if (goesOn) await holds.LoadTotalsAsync(partition, kept: null, progress, lost.Token);
            else await CompareAsync(partition, token, holds, unfinished || mistyped.Count > 0, progress, lost.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            LeaseLost(partition.Index);
            return false;
        }
        finally
        {
            await finished.CancelAsync();
            await report;
        }

        // 7. Open the fence. Due holds don't expire until the payments of the outage have been settled.
        await fences.SoldAsync(partition.Index, number, number, stopping);
        if (await maintenance.OpenFenceAsync(partition, token, run, number, expiryWaits: true) != OpenOutcome.Opened)
        {
            await fences.SoldAsync(partition.Index, number, sold, stopping);
            Replaced(partition.Index);
            return false;
        }

        await fences.OpenedAsync(partition.Index, number, run, stopping);
        await holds.CommitAsync(unheard, stopping);
        var took = time.GetElapsedTime(began);
        metrics.Rebuilt(took);
        if (progress.Corrupt > 0) HoldsWereCorrupt(progress.Corrupt, partition.Index, progress.CorruptNames);
        if (progress.Unknown > 0) SkusAreMissing(progress.Unknown, partition.Index);
        Opened(
            partition.Index, took.TotalSeconds, progress.Totals, progress.Corrected, progress.Restored,
            progress.Dropped);
        return true;
    }

    /// <summary>Closes the fence, and removes shared keys of another type, which no step could read.</summary>
    private async Task<(ClosedFence Fence, IReadOnlyList<RedisKey> Mistyped)?> TryCloseAsync(
        Partition partition, string token)
    {
        var fence = await maintenance.CloseFenceAsync(partition, token);
        if (fence.RunId.Length == 0)
        {
            if (!hidden) RunIsHidden(partition.Index);
            hidden = true;
            return null;
        }

        if (await maintenance.DropMistypedAsync(partition, token) is { } mistyped) return (fence, mistyped);
        Replaced(partition.Index);
        return null;
    }

    private async Task CompareAsync(
        Partition partition, string token, HoldRebuild holds, bool isDamaged, RebuildProgress progress,
        CancellationToken cancellation)
    {
        await maintenance.ForgetFormerAsync(partition);
        // 3. Wait until PostgreSQL has stored all events of Redis.
        await DrainAsync(partition, progress, cancellation);
        // 4. Make new events get ids after the stored ones, so that they are not taken for events that Redis has lost.
        await SetStreamAsync(partition, token, cancellation);
        // 5. Remove holds for which PostgreSQL has a later state, before the kept ones are added up.
        progress.Step = "compares holds";
        var kept = await holds.DropAsync(partition, progress, cancellation);
        await holds.LoadTotalsAsync(partition, kept, progress, cancellation);
        if (isDamaged) await holds.CompleteAsync(partition, kept, progress, cancellation);
        // 6. Restore missing holds, which reserve their units again.
        progress.Step = "restores holds";
        await holds.RestoreAsync(partition, kept, progress, cancellation);
        progress.Step = "counts bought units";
        await holds.CountBoughtAsync(partition, kept, progress, cancellation);
    }

    private async Task SetStreamAsync(Partition partition, string token, CancellationToken cancellation)
    {
        var now = await maintenance.NowAsync();
        if (!StreamIds.IsPlausible(await maintenance.ReadLastEventIdAsync(partition), now))
        {
            await maintenance.DropEventsAsync(partition, token);
        }

        var (_, stored) = await fences.ReadAsync(partition.Index, cancellation);
        if (stored is null) return;
        if (StreamIds.IsPlausible(stored, now)) await maintenance.AdvanceStreamAsync(partition, stored);
        else await fences.ForgetPositionAsync(partition.Index, stored, cancellation);
    }

    /// <summary>
    /// The position up to which events are stored. An implausible one counts while the stream has its event; in any
    /// other stream it says nothing about what is stored.
    /// </summary>
    private async Task<string?> ReadStoredAsync(Partition partition, CancellationToken cancellation)
    {
        var (_, stored) = await fences.ReadAsync(partition.Index, cancellation);
        if (stored is null || StreamIds.IsPlausible(stored, await maintenance.NowAsync())) return stored;
        return StreamIds.IsId(stored) && await maintenance.HasEventAsync(partition, stored) ? stored : null;
    }

    private async Task DrainAsync(Partition partition, RebuildProgress progress, CancellationToken cancellation)
    {
        // Events about stock began as rows of PostgreSQL, so the rebuild doesn't wait for them.
        var stored = await ReadStoredAsync(partition, cancellation);
        var newest = await maintenance.ReadNewestHoldEventAsync(partition, stored);
        while (StreamIds.Compare(stored, newest) < 0)
        {
            AwaitsMaterializer = true;
            progress.Step =
                $"waits for the materializer, which has stored events up to {stored ?? "none"} of {newest}";
            await Task.Delay(DrainInterval, time, cancellation);
            stored = await ReadStoredAsync(partition, cancellation);
        }

        AwaitsMaterializer = false;
    }

    private async Task ReportAsync(
        Partition partition,
        RebuildProgress progress,
        AdvisoryLease lease,
        CancellationTokenSource lost,
        CancellationToken finished)
    {
        try
        {
            while (true)
            {
                await Task.Delay(ReportInterval, time, finished);
                await lease.KeepAsync(finished);
                GoesOn(partition.Index, progress.Step, progress.Totals, progress.Restored, progress.Dropped);
            }
        }
        catch (OperationCanceledException)
        {
            // The rebuild is finished or cancelled.
        }
        catch (StoreException)
        {
            await lost.CancelAsync();
        }
    }

    private static string Cause(string? stored, string? last, bool unfinished, bool goesOn)
    {
        var cause = (stored, last) switch
        {
            (null, null) => New,
            (_, null) => "it has lost its data",
            (null, _) => New,
            ({ } position, { } id) when StreamIds.Compare(id, position) < 0 => string.Create(
                CultureInfo.InvariantCulture,
                $"its data is {(StreamIds.TimeOf(position) - StreamIds.TimeOf(id)).TotalSeconds:0.###} s older "
                + $"than what PostgreSQL has of it"),
            _ when goesOn => "it was restarted or promoted and has all stored events, so its holds are kept",
            _ => "it was restarted or replaced, and has every event that PostgreSQL has",
        };
        return unfinished ? cause + "; an earlier rebuild broke off" : cause;
    }

    [LoggerMessage(
        EventId = 1, Message = "Partition {Partition} sells nothing until Redis is checked: {Cause}.")]
    private partial void Began(LogLevel level, int partition, string cause);

    [LoggerMessage(2, LogLevel.Information,
        "The rebuild of partition {Partition} {Step}; {Totals} totals, {Restored} holds restored, {Dropped} removed.")]
    private partial void GoesOn(int partition, string step, int totals, int restored, int dropped);

    [LoggerMessage(3, LogLevel.Information,
        "Partition {Partition} sells again after {Seconds:0.00} s: {Totals} totals loaded, {Corrected} counts of "
        + "reserved units corrected, {Restored} holds restored, {Dropped} removed.")]
    private partial void Opened(
        int partition, double seconds, int totals, int corrected, int restored, int dropped);

    [LoggerMessage(4, LogLevel.Error,
        "Redis hides its run_id, so a replaced server can't be detected: partition {Partition} sells nothing. Allow "
        + "INFO to this user, or use a server that shows its run_id.")]
    private partial void RunIsHidden(int partition);

    [LoggerMessage(5, LogLevel.Warning,
        "Redis was replaced, or lost its data, while partition {Partition} was rebuilt: the rebuild starts again.")]
    private partial void Replaced(int partition);

    [LoggerMessage(6, LogLevel.Warning,
        "The rebuild of partition {Partition} lost its lease; another instance takes over.")]
    private partial void LeaseLost(int partition);

    [LoggerMessage(7, LogLevel.Error,
        "{Count} holds of partition {Partition} can't be restored: PostgreSQL doesn't know their SKUs.")]
    private partial void SkusAreMissing(int count, int partition);

    [LoggerMessage(8, LogLevel.Warning,
        "{Count} holds of partition {Partition} could not be read, and were removed; those that PostgreSQL has as "
        + "pending were restored from there: {Holds}.")]
    private partial void HoldsWereCorrupt(int count, int partition, string holds);
}
