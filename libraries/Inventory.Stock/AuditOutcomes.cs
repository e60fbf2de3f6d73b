namespace Inventory.Stock;

/// <summary>What <c>lua/audit_stock.lua</c> and <c>lua/audit_holds.lua</c> answered.</summary>
public enum AuditOutcome
{
    /// <summary>The answer is what was there at one moment.</summary>
    Looked = 1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/audit_units.lua</c> answered.</summary>
public enum AuditUnitsOutcome
{
    /// <summary>The answer is what was there at one moment.</summary>
    Looked = 1,

    /// <summary>The answer is what was wrong, and is no longer.</summary>
    Repaired = 2,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/repair_reserved.lua</c> answered.</summary>
public enum RepairReservedOutcome
{
    /// <summary>Counter and indices agree with the holds now.</summary>
    Repaired = 1,

    /// <summary>They agreed already.</summary>
    Unchanged = 2,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>More holds than one step may count.</summary>
    TooManyHolds = -3,

    /// <summary>Units would become available, which the caller doesn't allow.</summary>
    WouldFreeUnits = -4,

    /// <summary>A hold can't be read, so nobody knows the sum.</summary>
    Unreadable = -5,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/repair_total.lua</c> answered.</summary>
public enum RepairTotalOutcome
{
    /// <summary>Redis says what the system of record says.</summary>
    Repaired = 1,

    /// <summary>It said so already.</summary>
    Unchanged = 2,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <summary>Redis lacks the SKU, and has more holds of it than one step may count.</summary>
    TooManyHolds = -3,

    /// <inheritdoc cref="RepairReservedOutcome.Unreadable"/>
    Unreadable = -5,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/repair_hold.lua</c> answered.</summary>
public enum RepairHoldOutcome
{
    /// <summary>The hold stands wherever it has to.</summary>
    Repaired = 1,

    /// <summary>It did already.</summary>
    Unchanged = 2,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <summary>The hold has ended.</summary>
    NotFound = -2,

    /// <summary>Nobody knows its deadline.</summary>
    DeadlineUnknown = -4,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/repair_lost.lua</c> answered.</summary>
public enum RepairLostOutcome
{
    /// <summary>The hold is there again, and its units are counted once.</summary>
    Restored = 1,

    /// <summary>It was there.</summary>
    AlreadyThere = 2,

    /// <summary>The lock is another's.</summary>
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

/// <summary>What <c>lua/repair_bought.lua</c> answered.</summary>
public enum RepairBoughtOutcome
{
    /// <summary>The count is what the orders say.</summary>
    Repaired = 1,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <summary>The count has changed since it was seen.</summary>
    Changed = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/retire_stock.lua</c> answered.</summary>
public enum RetireOutcome
{
    /// <summary>The SKU is gone: nobody held any of it.</summary>
    Removed = 1,

    /// <summary>Its sale is stopped.</summary>
    Paused = 2,

    /// <summary>Its sale was stopped already.</summary>
    PausedBefore = 3,

    /// <summary>The lock is another's.</summary>
    NotLocked = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/unlock_repair.lua</c> answered.</summary>
public enum UnlockOutcome
{
    /// <summary>The lock is free.</summary>
    Unlocked = 1,

    /// <summary>It was another's, or had run out.</summary>
    NotLocked = -1,
}
