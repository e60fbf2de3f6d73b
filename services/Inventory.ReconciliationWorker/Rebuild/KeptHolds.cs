using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>
/// The holds that a rebuild keeps in Redis, and their sums. Some 40 bytes for each hold; asking Redis for each hold
/// again while missing ones are restored would take much longer.
/// </summary>
internal sealed class KeptHolds
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> reserved = new(StringComparer.Ordinal);
    private readonly List<Guid> ordered = [];
    private readonly HashSet<Guid> all = [];

    /// <summary>Pinned holds that have become orders and are not committed to Redis yet.</summary>
    public IReadOnlyList<Guid> Ordered => ordered;

    /// <summary>All kept holds.</summary>
    public IReadOnlySet<Guid> All => all;

    /// <summary>Whether Redis has the hold in PostgreSQL's state or a later one.</summary>
    public bool Has(Guid reservation) => all.Contains(reservation);

    /// <summary>Units of a SKU in the kept holds.</summary>
    public int ReservedOf(string sku) => reserved.GetValueOrDefault(sku);

    /// <summary>Adds the holds of a page that are kept. Thread-safe.</summary>
    /// <param name="page">Holds in Redis.</param>
    /// <param name="known">Their states in PostgreSQL.</param>
    /// <returns>
    /// The other holds: PostgreSQL has a later state, or the same one with another holder or other lines, so that the
    /// hold was changed by hand.
    /// </returns>
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

    /// <summary>Adds a hold that is kept.</summary>
    public void Add(HeldPart part)
    {
        all.Add(part.ReservationId);
        foreach (var line in part.Hold.Lines)
        {
            // A quantity that was written by hand may overflow the sum. The limit lets the fence open, with too many
            // units reserved of one SKU.
            var sum = (long)reserved.GetValueOrDefault(line.Sku) + line.Quantity;
            reserved[line.Sku] = (int)Math.Min(sum, int.MaxValue);
        }
    }

    private static bool IsOutdated(HeldPart part, KnownHold row, out HoldEnd end)
    {
        end = row.Status switch
        {
            ReservationStatusNames.Pending => row.HasOrder ? HoldEnd.Ordered : HoldEnd.NotEnded,
            ReservationStatusNames.Released => HoldEnd.Released,
            ReservationStatusNames.Expired => HoldEnd.Expired,
            _ => HoldEnd.Confirmed,
        };
        // A pinned hold with an order is kept: PinResolver commits it when its lease ends. The order may be older than
        // the pin, and its totals have to reach Redis with it.
        if (end == HoldEnd.Ordered) return !part.Hold.Confirming;
        // The number of the event that ended a hold is higher than those of all its states before.
        if (end != HoldEnd.NotEnded) return row.Sequence >= part.Hold.Sequence;
        return row.Sequence > part.Hold.Sequence || (row.Sequence == part.Hold.Sequence
            && !HoldMatch.IsAsStored(part.Hold.Holder, part.Hold.Lines, row.Holder, row.Lines));
    }
}
