using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Holds a history and both stores against every law.</summary>
/// <remarks>
/// There is no search: the events that PostgreSQL has stored are the order in which things happened, by Redis' own
/// clock. So it is enough that they are a run of the <see cref="Model"/>, that each was asked for, and that each answer
/// stands in it at a moment between its call and its arrival. That is linearizability with a witness.
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

    /// <summary>A wipe may take along the event that says that an order was made, and the audit tells of it.</summary>
    private static bool IsAdmitted(Complaint complaint, Dictionary<Guid, Case> cases) =>
        complaint is { Kind: "UnrecordedEnd", Reservation: { } id }
        && cases.TryGetValue(id, out var one) && one.Orders.Count > 0 && one.MayBeLost;
}
