using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>The evidence about one reservation.</summary>
public sealed class Case
{
    private Case(Guid id, Evidence evidence) => (Id, Evidence) = (id, evidence);

    /// <summary>The reservation.</summary>
    public Guid Id { get; }

    /// <summary>The evidence of the whole run.</summary>
    public Evidence Evidence { get; }

    /// <summary>The clients' calls, in the order in which they began.</summary>
    public List<Operation> Operations { get; } = [];

    /// <summary>Its events by sequence number.</summary>
    public List<EventFact> Events { get; } = [];

    /// <summary>Its rows in PostgreSQL.</summary>
    public List<HoldFact> Rows { get; } = [];

    /// <summary>Its holds in Redis.</summary>
    public List<HoldFact> Holds { get; } = [];

    /// <summary>Its orders.</summary>
    public List<OrderFact> Orders { get; } = [];

    /// <summary>Its payments.</summary>
    public List<PaymentFact> Payments { get; } = [];

    /// <summary>Its refunds.</summary>
    public List<RefundFact> Refunds { get; } = [];

    /// <summary>A confirm without a live caller is finished after its confirmation lease, 30 s later.</summary>
    private const long Settling = 30_000;

    /// <summary>Whether a wipe may have lost one of its events.</summary>
    public bool MayBeLost => Operations.Any(each => each.Heard != Heard.Refused && Evidence.MayBeLost(each))
        // Expiry is a change without a call.
        || Events.Any(each => Evidence.Wipes.Any(
            wipe => each.DeadlineMs > wipe.StoredMs && each.DeadlineMs <= wipe.EndedMs))
        || Orders.Any(order => Evidence.Wipes.Any(
            wipe => order.AtMs > wipe.StoredMs - Settling && order.AtMs <= wipe.EndedMs));

    /// <summary>Sorts the evidence by reservation.</summary>
    public static IReadOnlyList<Case> Of(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        var cases = new Dictionary<Guid, Case>();
        Case For(Guid id) => cases.TryGetValue(id, out var known) ? known : cases[id] = new(id, evidence);
        foreach (var each in evidence.Operations.Where(each => each.Reservation != Guid.Empty))
        {
            For(each.Reservation).Operations.Add(each);
        }

        var facts = evidence.Facts;
        foreach (var each in facts.Events.OrderBy(each => each.Sequence)) For(each.Reservation).Events.Add(each);
        foreach (var each in facts.Rows) For(each.Reservation).Rows.Add(each);
        foreach (var each in facts.Holds) For(each.Reservation).Holds.Add(each);
        foreach (var each in facts.Orders) For(each.Reservation).Orders.Add(each);
        foreach (var each in facts.Payments) For(each.Reservation).Payments.Add(each);
        foreach (var each in facts.Refunds) For(each.Reservation).Refunds.Add(each);
        return [.. cases.Values];
    }

    /// <summary>A violation that is about this reservation.</summary>
    public Violation Breaks(Law law, string what) => new(law, what, Id);

    /// <summary>Calls of these kinds that took effect or may have.</summary>
    public IEnumerable<Operation> Effective(params Act[] acts) =>
        Operations.Where(each => each.Heard != Heard.Refused && acts.Contains(each.Act));
}
