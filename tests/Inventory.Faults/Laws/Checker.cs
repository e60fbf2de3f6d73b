using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Checks a history and both stores against every law.</summary>
/// <remarks>
/// The checker does not search for an order: the events that PostgreSQL has stored give it, by Redis' own clock. It
/// checks that these events are a run of the <see cref="Model"/>, that a call asked for each, and that each answer was
/// true at a moment between its call and its arrival. That is linearizability with a witness.
/// </remarks>
public static class Checker
{
    /// <summary>All violations, those of single reservations first.</summary>
    public static IReadOnlyList<Violation> Check(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        var cases = Case.Of(evidence);
        var byId = cases.ToDictionary(each => each.Id);
        var levels = new Levels();
        var ofStock = StockLaws.Check(evidence, levels).ToList();
        return
        [
            .. cases.SelectMany(each => (Violation[])
            [
                .. ReservationLaws.Check(each), .. PaymentLaws.Check(each), .. AnswerLaws.Check(each, byId, levels),
            ]),
            .. ofStock.OrderBy(each => each.Reservation is null),
            .. evidence.Facts.Complaints.Where(each => !IsAdmitted(each, byId))
                .Select(each => new Violation(Law.StoresAgree, each.Text, each.Reservation)),
        ];
    }

    /// <summary>A wipe may lose the event of an order; the audit then reports it, which is allowed.</summary>
    private static bool IsAdmitted(Complaint complaint, Dictionary<Guid, Case> cases) =>
        complaint is { Kind: "UnrecordedEnd", Reservation: { } id }
        && cases.TryGetValue(id, out var one) && one.Orders.Count > 0 && one.MayBeLost;
}
