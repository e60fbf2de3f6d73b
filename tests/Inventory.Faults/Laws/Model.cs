using Inventory.Faults.History;
using Inventory.Stock;

namespace Inventory.Faults.Laws;

/// <summary>
/// A sequential model of the product: it applies events one after the other, and each is allowed or not.
/// </summary>
/// <remarks>
/// A sale lowers total and reserved alike, so available units are the received ones, less those of reservations that
/// are neither released nor expired. A total reaches Redis a little after PostgreSQL. The model counts received units
/// from their movement on, so it never has fewer than Redis had.
/// </remarks>
public sealed class Model
{
    private readonly Dictionary<Guid, EventFact> reservations = [];
    private readonly Dictionary<string, int> available = [];
    private readonly Dictionary<string, int?> limits = [];
    private readonly Dictionary<(string Holder, string Sku), int> units = [];

    /// <param name="stock">The SKUs with their initial units.</param>
    public Model(IEnumerable<StockFact> stock)
    {
        foreach (var each in stock) (available[each.Sku], limits[each.Sku]) = (each.Initial, each.Limit);
    }

    /// <summary>Units of a SKU that could be held now.</summary>
    public int Available(string sku) => available.GetValueOrDefault(sku);

    /// <summary>Adds received units.</summary>
    public void Receive(string sku, int quantity) => available[sku] = Available(sku) + quantity;

    /// <summary>Applies the next event, in the order of the stream.</summary>
    /// <returns>The violations of the event.</returns>
    public IEnumerable<Violation> Apply(EventFact next)
    {
        ArgumentNullException.ThrowIfNull(next);
        var before = reservations.GetValueOrDefault(next.Reservation);
        if (Judge(before, next) is var (law, what)) yield return new(law, what, next.Reservation);
        reservations[next.Reservation] = next;
        var change = (Holds(next.Type) ? 1 : 0) - (before is not null && Holds(before.Type) ? 1 : 0);
        if (change == 0) yield break;
        foreach (var line in next.Lines)
        {
            var left = available[line.Sku] = Available(line.Sku) - (change * line.Quantity);
            var has = units[(next.Holder, line.Sku)] =
                units.GetValueOrDefault((next.Holder, line.Sku)) + (change * line.Quantity);
            if (change < 0) continue;
            if (left < 0) yield return new(Law.NeverNegative, $"{next} leaves {left}", null, line.Sku);
            // By design: limits don't apply to revived units, because their payment was already approved.
            if (next.Type == "reserved" && limits.GetValueOrDefault(line.Sku) is { } limit && has > limit)
            {
                yield return new(
                    Law.WithinLimits, $"{next} gives {next.Holder} {has} units of {line.Sku}, limit {limit}",
                    next.Reservation);
            }
        }
    }

    /// <summary>Whether a reservation's units are unavailable to others after this event.</summary>
    private static bool Holds(string type) => type is not ("released" or "expired");

    private static (Law, string)? Judge(EventFact? before, EventFact next) => (before?.Type, next.Type) switch
    {
        (null, "reserved") => null,
        (null, _) => (Law.Gapless, $"begins with {next}"),
        (_, "reserved") => (Law.NeverResurrected, $"{before}, then {next}"),
        ("expired", "revived") => null,
        ("released" or "confirmed" or "expired", "extended") => (Law.NeverResurrected, $"{before}, then {next}"),
        ("released" or "confirmed" or "expired", _) => (Law.EndsOnce, $"{before}, then {next}"),
        (_, "revived") => (Law.EndsOnce, $"{before}, then {next}"),
        (_, "expired") when next.AtMs < before!.DeadlineMs - ReservationLaws.SkewMs =>
            (Law.NeverEarly, $"{before}, then {next}, {before.DeadlineMs - next.AtMs} ms early"),
        (_, "released") when next.AtMs > before!.DeadlineMs + ReservationLaws.SkewMs =>
            (Law.EndsOnce, $"{before}, then, too late, {next}"),
        (_, "extended") when next.AtMs > before!.DeadlineMs + ReservationLaws.SkewMs =>
            (Law.NeverResurrected, $"{before}, then, too late, {next}"),
        (_, "extended") when next.DeadlineMs <= before!.DeadlineMs =>
            (Law.NeverEarly, $"{before}, then, with less time, {next}"),
        _ when Lined.Text(before!.Lines) != Lined.Text(next.Lines) || before.Holder != next.Holder =>
            (Law.Whole, $"{before}, then {next}"),
        _ => null,
    };
}
