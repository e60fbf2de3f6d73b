namespace Inventory.Stock;

// Each enum names exactly the codes of one script: a test compares them. Positive codes mean success.

/// <summary>The outcomes of <c>lua/reserve.lua</c>.</summary>
public enum ReserveOutcome
{
    /// <summary>All lines are held.</summary>
    Held = 1,

    /// <summary>The same reservation id with the same lines was already held; nothing changed.</summary>
    AlreadyHeld = 2,

    /// <summary>A line asks for more than is available. Nothing is held.</summary>
    Insufficient = -1,

    /// <summary>A SKU is not on sale here.</summary>
    UnknownSku = -2,

    /// <summary>The holder already has an active reservation of a SKU; the answer names it.</summary>
    ActiveReservationExists = -3,

    /// <summary>The holder's units of a SKU would exceed the limit per customer.</summary>
    LimitExceeded = -4,

    /// <summary>A SKU is paused.</summary>
    Paused = -5,

    /// <summary>The reservation id was used for other lines or by another holder.</summary>
    IdReused = -6,

    /// <summary>The idempotency key was used for another request.</summary>
    KeyReused = -7,

    /// <summary>The reservation with this id has ended; the answer says how.</summary>
    Ended = -8,

    /// <summary>The partition is fenced: it sells nothing until its data has been verified.</summary>
    Fenced = -9,

    /// <summary>More holds are due than one call may expire. The store calls again.</summary>
    MoreDue = -10,
}

/// <summary>The outcomes of <c>lua/adjust.lua</c>.</summary>
public enum AdjustOutcome
{
    /// <summary>The holder has a new hold of this quantity.</summary>
    Held = 1,

    /// <summary>The holder already had this quantity; nothing changed.</summary>
    AlreadyHeld = 2,

    /// <summary>The holder's hold has the new quantity, and its old deadline.</summary>
    Adjusted = 3,

    /// <inheritdoc cref="ReserveOutcome.Insufficient"/>
    Insufficient = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>The holder's hold is being confirmed, so its quantity is fixed.</summary>
    Confirming = -3,

    /// <inheritdoc cref="ReserveOutcome.LimitExceeded"/>
    LimitExceeded = -4,

    /// <inheritdoc cref="ReserveOutcome.Paused"/>
    Paused = -5,

    /// <inheritdoc cref="ReserveOutcome.KeyReused"/>
    KeyReused = -7,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,

    /// <inheritdoc cref="ReserveOutcome.MoreDue"/>
    MoreDue = -10,
}

/// <summary>The outcomes of <c>lua/extend.lua</c>.</summary>
public enum ExtendOutcome
{
    /// <summary>The deadline moved by the requested time, or up to the maximum lifetime.</summary>
    Extended = 1,

    /// <summary>There is no such reservation, or it ended too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended.</summary>
    Ended = -2,

    /// <summary>The hold is being confirmed and needs no more time.</summary>
    Confirming = -3,

    /// <summary>The hold already has its maximum lifetime.</summary>
    LifetimeCapped = -4,

    /// <inheritdoc cref="ReserveOutcome.KeyReused"/>
    KeyReused = -7,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/release.lua</c>.</summary>
public enum ReleaseOutcome
{
    /// <summary>The units are back on sale.</summary>
    Released = 1,

    /// <summary>It was already released; nothing changed.</summary>
    AlreadyReleased = 2,

    /// <summary>There is no such reservation, or it ended too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation ended another way first: expired or confirmed.</summary>
    Ended = -2,

    /// <summary>The hold is being confirmed, so it can't be released.</summary>
    Confirming = -3,

    /// <inheritdoc cref="ReserveOutcome.KeyReused"/>
    KeyReused = -7,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/find.lua</c>.</summary>
public enum FindOutcome
{
    /// <summary>An active hold.</summary>
    Active = 1,

    /// <summary>The reservation has ended; the answer says how.</summary>
    Ended = 2,

    /// <summary>There is no such reservation, or it ended too long ago.</summary>
    NotFound = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/snapshot.lua</c>.</summary>
public enum SnapshotOutcome
{
    /// <summary>The current stock, after due holds were expired.</summary>
    Found = 1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,

    /// <inheritdoc cref="ReserveOutcome.MoreDue"/>
    MoreDue = -10,
}

/// <summary>The outcomes of <c>lua/expire.lua</c>.</summary>
public enum ExpireOutcome
{
    /// <summary>No due hold is left.</summary>
    Drained = 1,

    /// <summary>The batch was full; call again.</summary>
    MoreDue = 2,

    /// <summary>Due holds stay until the payments of an outage have been settled.</summary>
    Waiting = 3,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/set_stock.lua</c>.</summary>
public enum SetStockOutcome
{
    /// <summary>Redis has the new total and version.</summary>
    Applied = 1,

    /// <summary>Redis already had this version.</summary>
    Unchanged = 2,

    /// <summary>Redis has a newer version; nothing changed.</summary>
    Stale = -1,
}

/// <summary>The outcomes of <c>lua/undo.lua</c>.</summary>
public enum UndoOutcome
{
    /// <summary>The part is removed.</summary>
    Undone = 1,

    /// <summary>There was no pending part.</summary>
    NothingToUndo = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/pin.lua</c>.</summary>
public enum PinOutcome
{
    /// <summary>The hold is confirming: neither expiry nor release reaches it until its lease ends.</summary>
    Pinned = 1,

    /// <summary>The same attempt had already pinned it; its lease begins again.</summary>
    AlreadyPinned = 2,

    /// <summary>There is no such reservation, or it ended too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended; the answer says how.</summary>
    Ended = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/unpin.lua</c>.</summary>
public enum UnpinOutcome
{
    /// <summary>The hold is pending again, with its old deadline.</summary>
    Unpinned = 1,

    /// <summary>It was not pinned by that attempt.</summary>
    NotPinned = 2,

    /// <summary>There is no such active hold.</summary>
    NotFound = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/commit.lua</c>.</summary>
public enum CommitOutcome
{
    /// <summary>The hold and its units are removed.</summary>
    Committed = 1,

    /// <summary>It was already committed; nothing changed.</summary>
    AlreadyCommitted = 2,

    /// <summary>
    /// There is no such reservation, or it ended too long ago. The totals were taken over all the same.
    /// </summary>
    NotFound = -1,

    /// <summary>
    /// The reservation had ended in another way although there is an order: an inconsistency that the audit reports.
    /// The totals were taken over anyway.
    /// </summary>
    Ended = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/restore_hold.lua</c>.</summary>
public enum RestoreOutcome
{
    /// <summary>The hold is restored.</summary>
    Restored = 1,

    /// <summary>The hold already existed; nothing changed.</summary>
    AlreadyThere = 2,

    /// <summary>The units are no longer available.</summary>
    Insufficient = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>The reservation did not expire: its holder released it, or it was confirmed.</summary>
    Ended = -3,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,

    /// <inheritdoc cref="ReserveOutcome.MoreDue"/>
    MoreDue = -10,
}
