namespace Inventory.ReconciliationWorker.Audit;

/// <summary>The kinds of findings.</summary>
public enum FindingKind
{
    /// <summary>Both stores have the same version but different totals.</summary>
    Total,

    /// <summary>Redis has another version than PostgreSQL, and no change is on its way.</summary>
    Version,

    /// <summary>Limit per customer or pause differ at the same version.</summary>
    Limits,

    /// <summary>PostgreSQL has a SKU that Redis doesn't know.</summary>
    MissingInRedis,

    /// <summary>PostgreSQL has a product whose name no SKU may have, so it can't be sold.</summary>
    NotASku,

    /// <summary>Redis has a SKU that PostgreSQL doesn't know.</summary>
    UnknownToLedger,

    /// <summary>The counter of reserved units isn't the sum of the holds.</summary>
    Reserved,

    /// <summary>A deadline or lease belongs to no hold, or the expirer would find a SKU too late.</summary>
    Deadline,

    /// <summary>A hold lacks its deadline or its lease, so it would never end.</summary>
    HoldUnscheduled,

    /// <summary>A customer's entry lists other units than they hold.</summary>
    CustomerUnits,

    /// <summary>The ledger has a pending reservation, but its hold is gone without an event.</summary>
    LostHold,

    /// <summary>A hold exists, but the ledger lacks its events.</summary>
    UnrecordedHold,

    /// <summary>A reservation has ended in Redis, but is pending in the ledger.</summary>
    UnrecordedEnd,

    /// <summary>A hold exists that has ended by the ledger.</summary>
    EndedHold,

    /// <summary>A hold has another holder or other lines than its events say.</summary>
    ChangedHold,

    /// <summary>There is an order, but its hold still exists and is not pinned.</summary>
    OrderedHold,

    /// <summary>Redis confirmed a reservation that has no order in PostgreSQL.</summary>
    OrderMissing,

    /// <summary>More units are reserved than exist, because the total was lowered.</summary>
    OverPromised,

    /// <summary>More units are reserved than exist, although the total was not lowered.</summary>
    Oversold,

    /// <summary>Redis' count of units that a customer has bought of a SKU disagrees with the orders.</summary>
    BoughtUnits,

    /// <summary>Orders and their movements disagree.</summary>
    OrderMovements,

    /// <summary>
    /// A key of Redis has another type, a field is no number, or the lines of a row aren't lines, so nothing can be
    /// proven about it.
    /// </summary>
    Unreadable,
}

/// <summary>One difference that is proven not to be a delay.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Sku">The SKU; empty if it belongs to no SKU, or to an unknown one.</param>
/// <param name="Subject">The reservation or entry; empty if it is about the SKU itself.</param>
/// <param name="Expected">The right state.</param>
/// <param name="Actual">The actual state.</param>
/// <param name="Cause">The meaning and the probable cause, for an operator.</param>
/// <param name="Evidence">Versions, ids and positions that prove it.</param>
public sealed record Finding(
    FindingKind Kind, string Sku, string Subject, string Expected, string Actual, string Cause, string Evidence)
{
    /// <summary>The repair that was made; null for none.</summary>
    public string? Repair { get; init; }
}

/// <summary>The result of a repair.</summary>
/// <param name="Words">What was done, as text.</param>
/// <param name="Resolved">Whether the repair has removed the difference.</param>
public sealed record Repaired(string Words, bool Resolved = true);

/// <summary>Redis is fenced: its data can't be compared until it has been verified or rebuilt.</summary>
public sealed class FenceDownException() : Exception("Redis is fenced: its data is being verified or rebuilt.");
