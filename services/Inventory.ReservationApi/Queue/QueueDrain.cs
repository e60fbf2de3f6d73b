using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Queue;

/// <summary>Drains the queue, first come, first served: one instance at a time, in steps, at a bounded rate.</summary>
/// <remarks>
/// A crash between a decision and its row is harmless: the next leader decides again and finds the hold. A caller that
/// cancels in that moment gets the answer cancelled; the row says that a hold may exist, so it is released later.
/// </remarks>
internal sealed partial class QueueDrain(
    WaitingQueue queue, QueueDecider decider, QueueWatch watch, StockCircuit circuit,
    IOptions<WaitingQueueOptions> options, IOptions<StockOptions> stock, QueueMetrics metrics, TimeProvider time,
    ILogger<QueueDrain> log)
    : BackgroundService
{
    /// <summary>
    /// Least number of steps a second at full rate. A step costs some round trips to PostgreSQL and two flushes of its
    /// log, so it should have many places. Callers learn its decisions at its end, so it should be short.
    /// </summary>
    private const int StepsPerSecond = 8;

    /// <summary>
    /// Most places of one step. Bounds what is decided twice after a crash or a failed write to PostgreSQL.
    /// </summary>
    private const int MaxStep = 500;

    /// <summary>
    /// Most cancelled or expired tickets that one step handles. It releases their possible holds one by one.
    /// </summary>
    private const int MaxReleases = 100;

    private const int MaxForgotten = 1_000;

    /// <summary>
    /// Pause after a search for tickets that waited too long, or were decided long ago, has found none.
    /// </summary>
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(250);

    private readonly WaitingQueueOptions settings = options.Value;
    private int granted, refused, expired;
    private long? tidiedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await TakeLeadershipAsync(stoppingToken);
            }
            catch (Exception e) when (Failures.IsLedgerUnavailable(e, stoppingToken))
            {
                // The queue is in PostgreSQL and can't be drained without it. The next attempt goes on.
            }

            var began = time.GetTimestamp();
            do await Task.Delay(RetryPause, time, stoppingToken);
            while (!watch.IsBusy && time.GetElapsedTime(began) < Idle);
        }
    }

    /// <summary>Drains the queue as far as possible, unless another instance is the leader.</summary>
    internal async Task TakeLeadershipAsync(CancellationToken stop)
    {
        await using var leadership = await queue.TakeLeadershipAsync(stop);
        if (leadership is null) return;
        tidiedAt = null;
        while (await StepAsync(leadership, stop))
        {
        }
    }

    /// <summary>One step.</summary>
    /// <returns>Whether there may be more to do now.</returns>
    private async Task<bool> StepAsync(QueueLeadership leadership, CancellationToken stop)
    {
        var tidied = await TidyAsync(leadership, stop);
        if (circuit.IsOpen) return tidied;
        try
        {
            if (!await ReleaseOwedAsync(leadership, stop)) return false;
            return await DecideAsync(leadership, stop) || tidied;
        }
        catch (Exception e) when (Failures.IsStockUnavailable(e))
        {
            // Redis is unavailable again. Places that it may have decided stay claimed.
            return false;
        }
    }

    /// <summary>Expires tickets that waited too long, and deletes tickets that were decided long ago.</summary>
    /// <returns>Whether there were any, and so may be more.</returns>
    private async Task<bool> TidyAsync(QueueLeadership leadership, CancellationToken stop)
    {
        if (tidiedAt is { } since && time.GetElapsedTime(since) < TidyInterval) return false;
        var gone = await leadership.ExpireAsync(settings.LongestWait, MaxForgotten, stop);
        expired += gone;
        metrics.Drained("expired", gone);
        var any = gone + await leadership.PruneAsync(settings.Retention, MaxForgotten, stop) > 0;
        tidiedAt = any ? null : time.GetTimestamp();
        return any;
    }

    private async Task<bool> DecideAsync(QueueLeadership leadership, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        var count = Math.Clamp(settings.DrainPerSecond / StepsPerSecond, 1, MaxStep);
        var claimed = await leadership.ClaimAsync(count, stop);
        if (claimed.Count == 0)
        {
            // Cancellations just now may have left no claimed place.
            if (!watch.IsBusy) Report();
            return false;
        }

        var ended = await leadership.FindEndedAsync([.. claimed.Select(place => place.Intent.ReservationId)], stop);
        var decisions = new List<QueueDecision>(claimed.Count);
        var isHeldBack = false;
        try
        {
            foreach (var wave in Waves(claimed))
            {
                isHeldBack = !await DecideAsync(wave, ended, decisions);
                if (isHeldBack) break;
            }
        }
        finally
        {
            // Also when Redis fails half-way: decisions that were made are stored.
            if (decisions.Count > 0) await leadership.DecideAsync(decisions, stop);
            Count(decisions);
        }

        var due = TimeSpan.FromSeconds(claimed.Count / (double)settings.DrainPerSecond);
        if (due - time.GetElapsedTime(began) is { Ticks: > 0 } pause) await Task.Delay(pause, time, stop);
        return !isHeldBack;
    }

    /// <summary>Cuts a step into waves, in order. The calls of one wave may be in flight together.</summary>
    /// <remarks>
    /// The first place of a step that names a SKU is decided before the second is sent, because the first call expires
    /// the SKU's due holds. The call of a cart, or for several partitions, goes alone: its order among other calls is
    /// not kept.
    /// </remarks>
    private IEnumerable<IReadOnlyList<QueueEntry>> Waves(IReadOnlyList<QueueEntry> places)
    {
        var wave = new List<QueueEntry>();
        var (decided, underWay) = (new HashSet<string>(), new HashSet<string>());
        foreach (var place in places)
        {
            var skus = Intent.SkusOf(place.Intent.Lines).ToArray();
            if (wave.Count > 0 && (IsAlone(wave[^1]) || IsAlone(place) || skus.Any(underWay.Contains)))
            {
                yield return wave;
                wave = [];
                decided.UnionWith(underWay);
                underWay.Clear();
            }

            wave.Add(place);
            underWay.UnionWith(skus.Where(sku => !decided.Contains(sku)));
        }

        yield return wave;
    }

    private bool IsAlone(QueueEntry place) => place.Intent.Form == (short)IntentForm.Cart
        || (stock.Value.Partitions > 1 && place.Intent.Lines.Contains(',', StringComparison.Ordinal));

    /// <summary>Decides places, which Redis gets in their order.</summary>
    /// <param name="wave">The places.</param>
    /// <param name="ended">Reservations of the step that PostgreSQL knows to have ended.</param>
    /// <param name="decisions">What was decided is added, also when something fails.</param>
    /// <returns>False when the data is being checked, and not all are decided.</returns>
    private async Task<bool> DecideAsync(
        IReadOnlyList<QueueEntry> wave, Dictionary<Guid, EndedHold> ended, List<QueueDecision> decisions)
    {
        var calls = new Task<QueueDecision?>[wave.Count];
        // A call has been handed over when it returns its task.
        for (var i = 0; i < calls.Length; i++)
        {
            calls[i] = decider.DecideAsync(wave[i], ended.GetValueOrDefault(wave[i].Intent.ReservationId));
        }

        await ((Task)Task.WhenAll(calls)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        decisions.AddRange(calls.Where(call => call.IsCompletedSuccessfully).Select(call => call.Result)
            .OfType<QueueDecision>());
        foreach (var call in calls) await call;
        return calls.All(call => call.Result is not null);
    }

    private async Task<bool> ReleaseOwedAsync(QueueLeadership leadership, CancellationToken stop)
    {
        foreach (var entry in await leadership.ReadOwedAsync(MaxReleases, stop))
        {
            if (!await decider.ReleaseOwedAsync(entry)) return false;
            await leadership.SettleAsync(entry.Place, stop);
        }

        return true;
    }

    private void Count(List<QueueDecision> decisions)
    {
        var good = decisions.Count(decision => decision.State == QueueState.Granted);
        granted += good;
        refused += decisions.Count - good;
        metrics.Drained("granted", good);
        metrics.Drained("refused", decisions.Count - good);
    }

    private void Report()
    {
        if (granted + refused + expired > 0) Drained(granted, refused, expired);
        (granted, refused, expired) = (0, 0, 0);
    }

    [LoggerMessage(1, LogLevel.Information,
        "The waiting queue is empty: {Granted} were granted, {Refused} refused, {Expired} had waited too long.")]
    private partial void Drained(int granted, int refused, int expired);
}
