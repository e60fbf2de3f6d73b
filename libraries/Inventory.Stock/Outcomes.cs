namespace Inventory.Stock;

// Each enum names the codes of one script, no more and no fewer: a test compares them. Positive means it is so now.

/// <summary>What <c>lua/reserve.lua</c> answered.</summary>
public enum ReserveOutcome
{
    /// <summary>All lines are held.</summary>
    Held = 1,

    /// <summary>The same reservation id with the same lines was held before; nothing changed.</summary>
    AlreadyHeld = 2,

    /// <summary>A line asks for more than is available. Nothing is held.</summary>
    Insufficient = -1,

    /// <summary>A SKU is not on sale here.</summary>
    UnknownSku = -2,

    /// <summary>The holder has an active reservation of a SKU already; the answer names it.</summary>
    ActiveReservationExists = -3,

    /// <summary>The holder would have more units of a SKU than one customer may.</summary>
    LimitExceeded = -4,

    /// <summary>Sale of a SKU is paused.</summary>
    Paused = -5,

    /// <summary>The reservation id was used for other lines or by another holder.</summary>
    IdReused = -6,

    /// <summary>The idempotency key was used for another request.</summary>
    KeyReused = -7,

    /// <summary>This reservation id has ended; the answer says how.</summary>
    Ended = -8,

    /// <summary>Redis is not trusted: nothing is sold until its data has been checked.</summary>
    Fenced = -9,

    /// <summary>More due holds lie in the way than one call may give back. The engine calls again.</summary>
    MoreDue = -10,
}

/// <summary>What <c>lua/adjust.lua</c> answered.</summary>
public enum AdjustOutcome
{
    /// <summary>A new hold of this quantity.</summary>
    Held = 1,

    /// <summary>The holder had this quantity already; nothing changed.</summary>
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

/// <summary>What <c>lua/extend.lua</c> answered.</summary>
public enum ExtendOutcome
{
    /// <summary>The deadline moved: by what was asked, or up to the longest lifetime.</summary>
    Extended = 1,

    /// <summary>No such reservation, or too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended; nothing brings it back.</summary>
    Ended = -2,

    /// <summary>The hold is being confirmed and needs no more time.</summary>
    Confirming = -3,

    /// <summary>The hold has its longest lifetime already.</summary>
    LifetimeCapped = -4,

    /// <inheritdoc cref="ReserveOutcome.KeyReused"/>
    KeyReused = -7,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/release.lua</c> answered.</summary>
public enum ReleaseOutcome
{
    /// <summary>The units are back on sale.</summary>
    Released = 1,

    /// <summary>It was released before; nothing changed.</summary>
    AlreadyReleased = 2,

    /// <summary>No such reservation, or too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation ended another way first: expired or confirmed.</summary>
    Ended = -2,

    /// <summary>The hold is being confirmed, so it can't be given back.</summary>
    Confirming = -3,

    /// <inheritdoc cref="ReserveOutcome.KeyReused"/>
    KeyReused = -7,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/find.lua</c> answered.</summary>
public enum FindOutcome
{
    /// <summary>An active hold.</summary>
    Active = 1,

    /// <summary>The reservation has ended, and this is how.</summary>
    Ended = 2,

    /// <summary>No such reservation, or too long ago.</summary>
    NotFound = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/snapshot.lua</c> answered.</summary>
public enum SnapshotOutcome
{
    /// <summary>The stock as it is now, due holds given back.</summary>
    Found = 1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,

    /// <inheritdoc cref="ReserveOutcome.MoreDue"/>
    MoreDue = -10,
}

/// <summary>What <c>lua/expire.lua</c> answered.</summary>
public enum ExpireOutcome
{
    /// <summary>No due hold is left.</summary>
    Drained = 1,

    /// <summary>The batch was full; call again.</summary>
    MoreDue = 2,

    /// <summary>What is due stays until the payments of an outage have been worked off.</summary>
    Waiting = 3,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/set_stock.lua</c> answered.</summary>
public enum SetStockOutcome
{
    /// <summary>Redis has the new total and version.</summary>
    Applied = 1,

    /// <summary>Redis had this version already.</summary>
    Unchanged = 2,

    /// <summary>Redis has a newer version; nothing changed.</summary>
    Stale = -1,
}

/// <summary>What <c>lua/undo.lua</c> answered.</summary>
public enum UndoOutcome
{
    /// <summary>The part is gone.</summary>
    Undone = 1,

    /// <summary>There was no pending part.</summary>
    NothingToUndo = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/pin.lua</c> answered.</summary>
public enum PinOutcome
{
    /// <summary>The hold is confirming: neither expiry nor release reaches it until its lease ends.</summary>
    Pinned = 1,

    /// <summary>It was pinned already, by the same attempt; its lease begins anew.</summary>
    AlreadyPinned = 2,

    /// <summary>No such reservation, or too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended; the answer says how.</summary>
    Ended = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/unpin.lua</c> answered.</summary>
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

/// <summary>What <c>lua/commit.lua</c> answered.</summary>
public enum CommitOutcome
{
    /// <summary>The hold is gone, and its units with it.</summary>
    Committed = 1,

    /// <summary>It was committed before; nothing changed.</summary>
    AlreadyCommitted = 2,

    /// <summary>No such reservation, or too long ago. The totals were taken over all the same.</summary>
    NotFound = -1,

    /// <summary>
    /// The reservation had ended another way although there is an order: a breach that the audit has to explain. The
    /// totals were taken over all the same.
    /// </summary>
    Ended = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/restore_hold.lua</c> answered.</summary>
public enum RestoreOutcome
{
    /// <summary>The hold is there again.</summary>
    Restored = 1,

    /// <summary>It was there already; nothing changed.</summary>
    AlreadyThere = 2,

    /// <summary>Somebody else holds the units by now.</summary>
    Insufficient = -1,

    /// <inheritdoc cref="ReserveOutcome.UnknownSku"/>
    UnknownSku = -2,

    /// <summary>The reservation did not run out: its holder gave it back, or it has been confirmed.</summary>
    Ended = -3,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,

    /// <inheritdoc cref="ReserveOutcome.MoreDue"/>
    MoreDue = -10,
}
