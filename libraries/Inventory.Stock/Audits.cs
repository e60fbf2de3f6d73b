namespace Inventory.Stock;

/// <summary>How much of a SKU one look could see.</summary>
public enum LookState
{
    /// <summary>Redis doesn't know the SKU; holds of it are counted all the same.</summary>
    Unknown = 0,

    /// <summary>Counters and holds, at one moment.</summary>
    Counted = 1,

    /// <summary>Counters alone: more holds than one step may count.</summary>
    TooManyHolds = 2,

    /// <summary>Nothing: a key has another type, or a field is no number.</summary>
    Unreadable = 3,
}

/// <summary>One SKU's counters beside what its holds add up to, at one moment.</summary>
public sealed record StockLook
{
    /// <summary>The SKU.</summary>
    public required string Sku { get; init; }

    /// <summary>How much was seen.</summary>
    public required LookState State { get; init; }

    /// <summary>Units owned, as Redis says.</summary>
    public required long Total { get; init; }

    /// <summary>Units under holds, by the counter.</summary>
    public required long Reserved { get; init; }

    /// <summary>Which version of the total that is.</summary>
    public required long Version { get; init; }

    /// <summary>Which version limit and pause are of: a commit brings a later one of the total alone.</summary>
    public required long LimitsVersion { get; init; }

    /// <summary>Most units for one customer; null for no limit.</summary>
    public required int? MaxPerCustomer { get; init; }

    /// <summary>Whether sale is stopped.</summary>
    public required bool Paused { get; init; }

    /// <summary>Units of pending holds.</summary>
    public required long Pending { get; init; }

    /// <summary>
    /// Units of confirming holds, some of which the ledger may have sold already; -1 with too many leases to count.
    /// </summary>
    public required long Confirming { get; init; }

    /// <summary>Up to five ids that have a deadline and no pending hold, separated by commas.</summary>
    public required string DanglingDeadlines { get; init; }

    /// <summary>Whether expiry would find the SKU too late.</summary>
    public required bool DueIsLate { get; init; }

    /// <summary>When the newest pending hold began; the epoch's begin without one.</summary>
    public required DateTimeOffset Newest { get; init; }

    /// <summary>Pending holds, by their deadlines.</summary>
    public required long Deadlines { get; init; }

    /// <summary>What can't be read; empty in any state but <see cref="LookState.Unreadable"/>.</summary>
    public required string Unreadable { get; init; }

    /// <summary>Units of all holds.</summary>
    public long Held => Pending + Confirming;
}

/// <summary>Some SKUs of one partition at one moment.</summary>
/// <param name="LastEvent">The id of the last event before that moment.</param>
/// <param name="DanglingLeases">Up to five ids that have a lease and no confirming hold.</param>
/// <param name="Skus">Those that were looked at: the first ones of those asked for.</param>
public sealed record StockLooks(string LastEvent, string DanglingLeases, IReadOnlyList<StockLook> Skus);

/// <summary>One hold at one moment, and where it fails to stand.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="State">
/// p, c, f, r or e as the scripts write it; - when Redis doesn't know it; ? when it can't be read.
/// </param>
/// <param name="Sequence">Events it has had.</param>
/// <param name="Deadline">Until when it is held; null when nothing says.</param>
/// <param name="Holder">Who holds it; null when Redis doesn't know it.</param>
/// <param name="Lines">What is held.</param>
/// <param name="Faults">
/// due, lease, units:sku, separated by commas; empty when all is well; of what can't be read, why.
/// </param>
public sealed record HoldLook(
    Guid Id, char State, int Sequence, DateTimeOffset? Deadline, Holder? Holder, IReadOnlyList<Line> Lines,
    string Faults)
{
    /// <summary>Whether the hold stands.</summary>
    public bool IsActive => State is 'p' or 'c';

    /// <summary>Whether something stands there that is no hold.</summary>
    public bool IsUnreadable => State == '?';
}

/// <summary>Some holds of one partition at one moment.</summary>
/// <param name="At">Redis' clock then.</param>
/// <param name="LastEvent">The id of the last event before that moment.</param>
/// <param name="Holds">One for each id that was asked for.</param>
public sealed record HoldLooks(DateTimeOffset At, string LastEvent, IReadOnlyList<HoldLook> Holds);

/// <summary>What an owner has of a SKU at one moment.</summary>
/// <param name="Units">Units bought; null where that can't be read.</param>
/// <param name="Holds">Reservations that are counted beside them.</param>
public sealed record BoughtLook(long? Units, IReadOnlyList<Guid> Holds);

/// <summary>A customer's entry that lists reservations which don't hold its SKU.</summary>
/// <param name="Bucket">The entry's bucket.</param>
/// <param name="Field">Its name there.</param>
/// <param name="Orphans">Ids of the reservations.</param>
/// <param name="Sku">The SKU, or empty when nothing tells it any more.</param>
/// <param name="Unreadable">What of it can't be read; empty when all can.</param>
public sealed record WrongUnits(string Bucket, string Field, string Orphans, string Sku, string Unreadable);
