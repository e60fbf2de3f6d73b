using System.Diagnostics.Metrics;
using Inventory.Contracts;

namespace Inventory.Gateway.BotGuard;

/// <summary>Counts the guard's work, as metrics and for the sums of all gateways in Redis.</summary>
internal sealed class GuardMetrics
{
    private readonly Counter<long> changes;
    private readonly Counter<long> challenges;
    private long issued;
    private long solved;
    private long refused;

    public GuardMetrics(IMeterFactory meters, GuardMemory memory)
    {
        var meter = meters.Create("Inventory.Gateway");
        changes = meter.CreateCounter<long>(
            "inventory.gateway.guard.changes", "{change}", "SKUs and shoppers tightened and relaxed, counted once.");
        challenges = meter.CreateCounter<long>(
            "inventory.gateway.guard.challenges", "{challenge}", "Challenges issued, solved and refused.");
        meter.CreateObservableGauge(
            "inventory.gateway.guard.tightened",
            () => new Measurement<int>[]
            {
                new(memory.Tightened.Count.Skus, new KeyValuePair<string, object?>("kind", "sku")),
                new(memory.Tightened.Count.Others, new KeyValuePair<string, object?>("kind", "shopper")),
            },
            "{subject}", "SKUs and shoppers that are tightened now, as this instance knows.");
    }

    /// <summary>Counts what this gateway's call has tightened or relaxed.</summary>
    public void Changed(string change, string who) => changes.Add(
        1, new KeyValuePair<string, object?>("change", change), new("kind", GuardSubject.Split(who).Kind));

    /// <summary>Counts a challenge that was issued to a shopper.</summary>
    public void Issued() => Count(ref issued, "issued");

    /// <summary>Counts an accepted solution.</summary>
    public void Solved() => Count(ref solved, "solved");

    /// <summary>Counts a refused or missing solution.</summary>
    public void Refused(ProofOutcome why)
    {
        Interlocked.Increment(ref refused);
        var reason = why.ToString().ToLowerInvariant();
        challenges.Add(1, new KeyValuePair<string, object?>("outcome", "refused"), new("reason", reason));
    }

    /// <summary>Takes the counts since the last call.</summary>
    public (long Issued, long Solved, long Refused) Collect() =>
        (Interlocked.Exchange(ref issued, 0), Interlocked.Exchange(ref solved, 0),
            Interlocked.Exchange(ref refused, 0));

    /// <summary>Adds counts again that could not be reported to Redis.</summary>
    public void Restore((long Issued, long Solved, long Refused) counts)
    {
        Interlocked.Add(ref issued, counts.Issued);
        Interlocked.Add(ref solved, counts.Solved);
        Interlocked.Add(ref refused, counts.Refused);
    }

    private void Count(ref long count, string outcome)
    {
        Interlocked.Increment(ref count);
        challenges.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
    }
}
