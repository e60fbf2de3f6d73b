using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>
/// What is true of the holds that a rebuild leaves in Redis. Some 40 bytes for each of them: to ask Redis for each
/// again, when those that are missing are brought back, took a third of the rebuild.
/// </summary>
internal sealed class KeptHolds
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> reserved = new(StringComparer.Ordinal);
    private readonly List<Guid> ordered = [];
    private readonly HashSet<Guid> all = [];

    /// <summary>Those that are pinned and have become orders, which Redis has not heard.</summary>
    public IReadOnlyList<Guid> Ordered => ordered;

    /// <summary>Whether Redis has it, as young as PostgreSQL or younger.</summary>
    public bool Has(Guid reservation) => all.Contains(reservation);

    /// <summary>Units of a SKU that they hold.</summary>
    public int ReservedOf(string sku) => reserved.GetValueOrDefault(sku);

    /// <summary>Adds those of a page that stay. May be called at the same time.</summary>
    /// <param name="page">Holds of Redis.</param>
    /// <param name="known">What PostgreSQL knows of them.</param>
    /// <returns>The others, which have gone on elsewhere.</returns>
    public List<OutdatedHold> AddAll(IReadOnlyList<HeldPart> page, IReadOnlyDictionary<Guid, KnownHold> known)
    {
        var outdated = new List<OutdatedHold>();
        lock (gate)
        {
            foreach (var part in page)
            {
                if (!known.TryGetValue(part.ReservationId, out var row)) Add(part);
                else if (IsOutdated(part, row, out var end)) outdated.Add(new(part.ReservationId, row.Sequence, end));
                else
                {
                    Add(part);
                    if (row.HasOrder) ordered.Add(part.ReservationId);
                }
            }
        }

        return outdated;
    }

    private void Add(HeldPart part)
    {
        all.Add(part.ReservationId);
        foreach (var line in part.Lines)
        {
            // Whatever somebody wrote into a hold: too much is held of one SKU, and the fence opens.
            var sum = (long)reserved.GetValueOrDefault(line.Sku) + line.Quantity;
            reserved[line.Sku] = (int)Math.Min(sum, int.MaxValue);
        }
    }

    private static bool IsOutdated(HeldPart part, KnownHold row, out HoldEnd end)
    {
        end = row.Status switch
        {
            ReservationRow.Pending => row.HasOrder ? HoldEnd.Ordered : HoldEnd.NotEnded,
            "released" => HoldEnd.Released,
            "expired" => HoldEnd.Expired,
            _ => HoldEnd.Confirmed,
        };
        // Its lease will tell: the order may be from before the pin, and its totals have to reach Redis with it.
        if (end == HoldEnd.Ordered) return !part.Confirming;
        return row.Sequence > part.Sequence;
    }
}
