using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>How much of a SKU one step could read.</summary>
public enum LookState
{
    /// <summary>Redis doesn't know the SKU. Its holds are counted anyway.</summary>
    Unknown = 0,

    /// <summary>Counters and holds were read at one moment.</summary>
    Counted = 1,

    /// <summary>Only the counters were read: the SKU has more holds than one step may count.</summary>
    TooManyHolds = 2,

    /// <summary>Nothing could be read: a key has another type, or a field is no number.</summary>
    Unreadable = 3,
}

/// <summary>One SKU's counters and the sums of its holds, at one moment.</summary>
public sealed record StockLook
{
    /// <summary>The SKU.</summary>
    public required string Sku { get; init; }

    /// <summary>How much could be read.</summary>
    public required LookState State { get; init; }

    /// <summary>Units owned, by Redis.</summary>
    public required long Total { get; init; }

    /// <summary>Held units, by the counter.</summary>
    public required long Reserved { get; init; }

    /// <summary>The version of the total.</summary>
    public required long Version { get; init; }

    /// <summary>The version of limit and pause. A commit raises only the version of the total.</summary>
    public required long LimitsVersion { get; init; }

    /// <summary>The limit per customer; null for none.</summary>
    public required int? MaxPerCustomer { get; init; }

    /// <summary>Whether the SKU is paused.</summary>
    public required bool Paused { get; init; }

    /// <summary>Units of pending holds.</summary>
    public required long Pending { get; init; }

    /// <summary>
    /// Units of confirming holds, some of which the ledger may already have sold; -1 if there are too many leases to
    /// count.
    /// </summary>
    public required long Confirming { get; init; }

    /// <summary>Up to five ids that have a deadline and no pending hold, separated by commas.</summary>
    public required string DanglingDeadlines { get; init; }

    /// <summary>Whether the expirer would find the SKU too late.</summary>
    public required bool DueIsLate { get; init; }

    /// <summary>When the newest pending hold began; the Unix epoch without one.</summary>
    public required DateTimeOffset Newest { get; init; }

    /// <summary>Pending holds, by their deadlines.</summary>
    public required long Deadlines { get; init; }

    /// <summary>What can't be read; empty unless the state is <see cref="LookState.Unreadable"/>.</summary>
    public required string Unreadable { get; init; }

    /// <summary>Units of all holds.</summary>
    public long Held => Pending + Confirming;
}

/// <summary>Some SKUs of one partition at one moment.</summary>
/// <param name="LastEvent">The id of the last event before that moment.</param>
/// <param name="DanglingLeases">Ids that have a lease and no confirming hold.</param>
/// <param name="Skus">The SKUs that were read: the first ones of those asked for.</param>
public sealed record StockLooks(string LastEvent, string DanglingLeases, IReadOnlyList<StockLook> Skus);

/// <summary>One hold at one moment, and what is missing of it.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="State">
/// p, c, f, r or e as the scripts write it; - when Redis doesn't know it; ? when it can't be read.
/// </param>
/// <param name="Sequence">The number of its events.</param>
/// <param name="Deadline">The deadline; null if it is unknown.</param>
/// <param name="Holder">The holder; null when Redis doesn't know it.</param>
/// <param name="Lines">The lines.</param>
/// <param name="Faults">
/// due, lease or units:sku, separated by commas; empty when the hold is complete. For an unreadable hold, the reason.
/// </param>
public sealed record HoldLook(
    Guid Id, char State, int Sequence, DateTimeOffset? Deadline, Holder? Holder, IReadOnlyList<Line> Lines,
    string Faults)
{
    /// <summary>Whether the hold is active.</summary>
    public bool IsActive => State is 'p' or 'c';

    /// <summary>Whether the stored value is not a readable hold.</summary>
    public bool IsUnreadable => State == '?';
}

/// <summary>Some holds of one partition at one moment.</summary>
/// <param name="At">Redis' clock at that moment.</param>
/// <param name="LastEvent">The id of the last event before that moment.</param>
/// <param name="Holds">One for each id that was asked for.</param>
public sealed record HoldLooks(DateTimeOffset At, string LastEvent, IReadOnlyList<HoldLook> Holds);

/// <summary>An owner's units of a SKU at one moment.</summary>
/// <param name="Units">Units bought; null if that can't be read.</param>
/// <param name="Holds">Reservations that are counted in addition.</param>
public sealed record BoughtLook(long? Units, IReadOnlyList<Guid> Holds);

/// <summary>A customer's entry that lists reservations which don't hold its SKU.</summary>
/// <param name="Bucket">The entry's bucket.</param>
/// <param name="Field">Its name there.</param>
/// <param name="Orphans">Ids of the reservations.</param>
/// <param name="Sku">The SKU; empty when it is unknown.</param>
/// <param name="Unreadable">What can't be read; empty when everything can.</param>
public sealed record WrongUnits(string Bucket, string Field, string Orphans, string Sku, string Unreadable);
