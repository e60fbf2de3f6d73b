using System.Globalization;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>
/// Checks one partition of Redis against PostgreSQL, and brings back what is missing, before anything is sold again.
/// </summary>
/// <remarks>
/// What is always true: the fence is down from the first step to the last, and opens only for the run and the data that
/// it was closed for. Each step may be repeated, so a rebuild that breaks off is cured by the next.
/// What another run left goes on without a comparison if it is what was opened last and has the last event that is
/// stored: it is what that run was then or later, and nothing that PostgreSQL knows came after (ADR 0019).
/// </remarks>
public sealed partial class StockRebuild(
    StockEngine stock,
    Fences fences,
    IServiceScopeFactory scopes,
    ReconciliationMetrics metrics,
    TimeProvider time,
    ILogger<StockRebuild> log)
{
    private const string New = "it holds nothing that PostgreSQL knows of";

    /// <summary>Between two lines that tell how far it is.</summary>
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(3);

    /// <summary>Between two looks at how far the materializer is, whose own pause is about as long.</summary>
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(50);

    private bool hidden;

    /// <summary>Whether a rebuild goes on when the materializer has stored what Redis has told.</summary>
    public bool AwaitsMaterializer { get; private set; }

    /// <summary>The number of an epoch; 0 without one.</summary>
    public static long NumberOf(string epoch) =>
        long.TryParse(epoch.AsSpan(0, Math.Max(0, epoch.IndexOf(':', StringComparison.Ordinal))), out var number)
            ? number
            : 0;

    /// <summary>Rebuilds a partition and opens it.</summary>
    /// <returns>Whether it sells now; false when the server or its data was replaced meanwhile.</returns>
    internal async Task<bool> RunAsync(Partition partition, RebuildTurn turn, CancellationToken stopping)
    {
        var began = time.GetTimestamp();
        // 1. Nothing is sold from here on.
        var (token, unfinished) = (Guid.NewGuid().ToString("N"), await stock.IsRebuildUnfinishedAsync(partition));
        var known = NumberOf((await stock.LookAsync(partition)).Epoch);
        var (run, former) = await stock.CloseFenceAsync(partition, token);
        if (run.Length == 0)
        {
            if (!hidden) RunIsHidden(partition.Index);
            hidden = true;
            return false;
        }

        var stored = (await fences.ReadAsync(partition.Index, stopping)).StreamId;
        var sold = await fences.ReadSoldAsync(partition.Index, stopping);
        // Known while no hold was changed: also after an attempt that broke off.
        var goesOn = former.Length > 0 && NumberOf(former) == sold
            && stored is not null && await stock.HasEventAsync(partition, stored);
        var cause = Cause(stored, await stock.ReadLastEventIdAsync(partition), unfinished, goesOn);
        var harmless = cause.StartsWith(New, StringComparison.Ordinal);
        Began(harmless ? LogLevel.Information : LogLevel.Warning, partition.Index, cause);
        // 2. No order comes of a pin of before, and no event that was read before is stored; those on their way are
        // written now, or never.
        var number = await fences.RaiseAsync(
            partition.Index, Math.Max(known, NumberOf(former)), cause, stopping);
        await using var scope = scopes.CreateAsyncScope();
        var holds = scope.ServiceProvider.GetRequiredService<HoldRebuild>();
        var unheard = goesOn ? await holds.FindUnheardAsync(partition, stored!, stopping) : [];
        var progress = new RebuildProgress();
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var report = ReportAsync(partition, progress, turn, lost, finished.Token);
        try
        {
            // Totals come by another way than events do, and may be among what was lost.
            if (goesOn) await holds.LoadTotalsAsync(partition, kept: null, progress, lost.Token);
            else await CompareAsync(partition, holds, progress, lost.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            TurnLost(partition.Index);
            return false;
        }
        finally
        {
            await finished.CancelAsync();
            await report;
        }

        // 7. Due holds stay until the payments of the meantime have been worked off.
        await fences.SoldAsync(partition.Index, number, number, stopping);
        if (await stock.OpenFenceAsync(partition, token, run, number, expiryWaits: true) != OpenOutcome.Opened)
        {
            await fences.SoldAsync(partition.Index, number, sold, stopping);
            Replaced(partition.Index);
            return false;
        }

        await fences.OpenedAsync(partition.Index, number, run, stopping);
        await holds.CommitAsync(unheard, stopping);
        var took = time.GetElapsedTime(began);
        metrics.Rebuilt(took);
        if (progress.Spoilt > 0) HoldsWereSpoilt(progress.Spoilt, partition.Index, progress.SpoiltNames);
        if (progress.Unknown > 0) SkusAreMissing(progress.Unknown, partition.Index);
        if (progress.KeptOut > 0) HoldsAreKeptOut(progress.KeptOut, partition.Index);
        Opened(
            partition.Index, took.TotalSeconds, progress.Totals, progress.Corrected, progress.Restored,
            progress.Dropped);
        return true;
    }

    private async Task CompareAsync(
        Partition partition, HoldRebuild holds, RebuildProgress progress, CancellationToken cancellation)
    {
        await stock.ForgetFormerAsync(partition);
        // 3. What Redis has told, and PostgreSQL not heard.
        await DrainAsync(partition, progress, cancellation);
        // 4. Events to come must not be taken for those that this Redis has forgotten.
        if ((await fences.ReadAsync(partition.Index, cancellation)).StreamId is { } stored)
        {
            await stock.AdvanceStreamAsync(partition, stored);
        }

        // 5. Holds that have gone on elsewhere go first, so that the counts are of those that stay.
        progress.Step = "compares holds";
        var kept = await holds.DropAsync(partition, progress, cancellation);
        await holds.LoadTotalsAsync(partition, kept, progress, cancellation);
        // 6. Holds that are missing take their units from the totals.
        progress.Step = "restores holds";
        await holds.RestoreAsync(partition, kept, progress, cancellation);
        progress.Step = "counts what was bought";
        await holds.CountBoughtAsync(partition, kept, progress, cancellation);
    }

    private async Task DrainAsync(Partition partition, RebuildProgress progress, CancellationToken cancellation)
    {
        // Events about stock began as rows of PostgreSQL, and need not be waited for.
        var (_, stored) = await fences.ReadAsync(partition.Index, cancellation);
        var newest = await stock.ReadNewestHoldEventAsync(partition, stored);
        while (StreamIds.Compare(stored, newest) < 0)
        {
            AwaitsMaterializer = true;
            progress.Step =
                $"waits for the materializer, which has stored events up to {stored ?? "none"} of {newest}";
            await Task.Delay(DrainInterval, time, cancellation);
            (_, stored) = await fences.ReadAsync(partition.Index, cancellation);
        }

        AwaitsMaterializer = false;
    }

    private async Task ReportAsync(
        Partition partition,
        RebuildProgress progress,
        RebuildTurn turn,
        CancellationTokenSource lost,
        CancellationToken finished)
    {
        try
        {
            while (true)
            {
                await Task.Delay(ReportInterval, time, finished);
                await turn.KeepAsync(finished);
                GoesOn(partition.Index, progress.Step, progress.Totals, progress.Restored, progress.Dropped);
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or InvalidOperationException)
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
            _ when goesOn => "it was restarted or promoted, has every event that PostgreSQL has, and goes on there",
            _ => "it was restarted or replaced, and has every event that PostgreSQL has",
        };
        return unfinished ? cause + "; an earlier rebuild broke off" : cause;
    }

    [LoggerMessage(
        EventId = 1, Message = "Redis sells nothing of partition {Partition} until it is checked: {Cause}.")]
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
        "Redis hides its run_id, so that it could be replaced unseen: nothing of partition {Partition} is sold. Allow "
        + "INFO to this user, or use a server that tells its run_id.")]
    private partial void RunIsHidden(int partition);

    [LoggerMessage(5, LogLevel.Warning,
        "Redis was replaced, or lost its data, while partition {Partition} was rebuilt: it begins anew.")]
    private partial void Replaced(int partition);

    [LoggerMessage(6, LogLevel.Warning, "The rebuild of partition {Partition} is another instance's now.")]
    private partial void TurnLost(int partition);

    [LoggerMessage(7, LogLevel.Error,
        "{Count} holds of partition {Partition} can't come back: PostgreSQL doesn't know their SKUs.")]
    private partial void SkusAreMissing(int count, int partition);

    [LoggerMessage(8, LogLevel.Warning,
        "{Count} holds of partition {Partition} could not be read, and were removed; those that PostgreSQL has as "
        + "pending were restored from there: {Holds}.")]
    private partial void HoldsWereSpoilt(int count, int partition, string holds);

    [LoggerMessage(9, LogLevel.Error,
        "{Count} holds of partition {Partition} can't come back because of what stands in their place and can't be "
        + "read. Their units stay reserved; the audit names what is to be mended.")]
    private partial void HoldsAreKeptOut(int count, int partition);
}
