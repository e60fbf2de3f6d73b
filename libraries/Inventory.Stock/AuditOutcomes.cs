namespace Inventory.Stock;

/// <summary>The outcomes of <c>lua/audit_stock.lua</c> and <c>lua/audit_holds.lua</c>.</summary>
public enum AuditOutcome
{
    /// <summary>The reply shows the state at one moment.</summary>
    Looked = 1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/audit_units.lua</c>.</summary>
public enum AuditUnitsOutcome
{
    /// <summary>The reply shows the state at one moment.</summary>
    Looked = 1,

    /// <summary>The reply shows what was wrong and is repaired.</summary>
    Repaired = 2,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/repair_reserved.lua</c>.</summary>
public enum RepairReservedOutcome
{
    /// <summary>Counter and indices now agree with the holds.</summary>
    Repaired = 1,

    /// <summary>They already agreed.</summary>
    Unchanged = 2,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>More holds than one step may count.</summary>
    TooManyHolds = -3,

    /// <summary>Units would become available, which the caller didn't allow.</summary>
    WouldFreeUnits = -4,

    /// <summary>A hold can't be read, so the sum is unknown.</summary>
    Unreadable = -5,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/repair_total.lua</c>.</summary>
public enum RepairTotalOutcome
{
    /// <summary>Redis now has the values of the system of record.</summary>
    Repaired = 1,

    /// <summary>It already had them.</summary>
    Unchanged = 2,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <summary>Redis doesn't have the SKU, but more holds of it than one step may count.</summary>
    TooManyHolds = -3,

    /// <inheritdoc cref="RepairReservedOutcome.Unreadable"/>
    Unreadable = -5,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/repair_hold.lua</c>.</summary>
public enum RepairHoldOutcome
{
    /// <summary>The hold's deadline, lease and customer entries are complete again.</summary>
    Repaired = 1,

    /// <summary>They were already complete.</summary>
    Unchanged = 2,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <summary>The hold has ended.</summary>
    NotFound = -2,

    /// <summary>Its deadline is unknown.</summary>
    DeadlineUnknown = -4,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/repair_lost.lua</c>.</summary>
public enum RepairLostOutcome
{
    /// <summary>The hold is restored, and its units are counted once.</summary>
    Restored = 1,

    /// <summary>The hold exists.</summary>
    AlreadyThere = 2,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>It has ended.</summary>
    Ended = -3,

    /// <inheritdoc cref="RepairReservedOutcome.Unreadable"/>
    Unreadable = -5,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/repair_bought.lua</c>.</summary>
public enum RepairBoughtOutcome
{
    /// <summary>The count now agrees with the orders.</summary>
    Repaired = 1,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <summary>The count has changed since it was read.</summary>
    Changed = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/retire_stock.lua</c>.</summary>
public enum RetireOutcome
{
    /// <summary>The SKU is removed; it had no holds.</summary>
    Removed = 1,

    /// <summary>The SKU is paused.</summary>
    Paused = 2,

    /// <summary>The SKU was already paused.</summary>
    PausedBefore = 3,

    /// <summary>The caller does not hold the lock.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/unlock_repair.lua</c>.</summary>
public enum UnlockOutcome
{
    /// <summary>The lock is released.</summary>
    Unlocked = 1,

    /// <summary>The caller did not hold the lock, or it had expired.</summary>
    NotLocked = -1,
}
