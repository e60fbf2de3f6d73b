namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>What an audit can find.</summary>
public enum FindingKind
{
    /// <summary>Both stores have the same version and not the same total.</summary>
    Total,

    /// <summary>Redis has another version than PostgreSQL, and isn't on its way there.</summary>
    Version,

    /// <summary>Limit per customer or pause differ at the same version.</summary>
    Limits,

    /// <summary>PostgreSQL has a SKU that Redis doesn't know.</summary>
    MissingInRedis,

    /// <summary>Redis has a SKU that PostgreSQL doesn't know.</summary>
    UnknownToLedger,

    /// <summary>The counter of reserved units isn't the sum of the holds.</summary>
    Reserved,

    /// <summary>A deadline or lease belongs to no hold, or the expirer would come too late.</summary>
    Deadline,

    /// <summary>A hold lacks its deadline or its lease, so nothing would ever end it.</summary>
    HoldUnscheduled,

    /// <summary>A customer is charged with other units than they hold.</summary>
    CustomerUnits,

    /// <summary>The ledger has a pending reservation whose hold is gone without an event.</summary>
    LostHold,

    /// <summary>A hold stands whose events the ledger lacks.</summary>
    UnrecordedHold,

    /// <summary>A reservation has ended in Redis, and is pending in the ledger.</summary>
    UnrecordedEnd,

    /// <summary>A hold stands that has ended by the ledger.</summary>
    EndedHold,

    /// <summary>There is an order, and its hold stands as if there were none.</summary>
    StandingOrder,

    /// <summary>Redis confirmed a reservation that has no order.</summary>
    OrderMissing,

    /// <summary>More is reserved than there is, because the total was lowered.</summary>
    OverPromised,

    /// <summary>More is reserved than there is, and nobody lowered the total.</summary>
    Oversold,

    /// <summary>What a customer has bought of a SKU, by Redis, isn't what the orders say.</summary>
    BoughtUnits,

    /// <summary>Orders and the movements that they left disagree.</summary>
    OrderMovements,

    /// <summary>A key of Redis has another type, or a field is no number, so nothing can be said of it.</summary>
    Unreadable,
}

/// <summary>One difference that is proven to be none of time.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Sku">The SKU; empty when it belongs to none, or nobody can tell.</param>
/// <param name="Subject">The reservation or entry; empty when it is about the SKU as such.</param>
/// <param name="Expected">What should be.</param>
/// <param name="Actual">What is.</param>
/// <param name="Cause">What it means and what explains it, for a person at night.</param>
/// <param name="Evidence">Versions, ids and positions that prove it.</param>
public sealed record Finding(
    FindingKind Kind, string Sku, string Subject, string Expected, string Actual, string Cause, string Evidence)
{
    /// <summary>What was done about it; null when nothing was.</summary>
    public string? Repair { get; init; }
}

/// <summary>What a repair came to.</summary>
/// <param name="Words">What was done.</param>
/// <param name="Resolved">Whether the difference is gone by it.</param>
public sealed record Repaired(string Words, bool Resolved = true);

/// <summary>Redis' fence is down: what it has is nobody's to compare until it has been rebuilt.</summary>
public sealed class FenceDownException() : Exception("The fence is down: Redis is being checked or rebuilt.");
