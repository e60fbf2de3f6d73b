namespace Inventory.Stock;

/// <summary>The outcomes of <c>lua/verify_run.lua</c>.</summary>
public enum VerifyOutcome
{
    /// <summary>The partition was opened for this run of this server.</summary>
    Verified = 1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/close_fence.lua</c>.</summary>
public enum CloseOutcome
{
    /// <summary>The partition sells nothing until the fence is opened.</summary>
    Closed = 1,
}

/// <summary>The outcomes of <c>lua/open_fence.lua</c>.</summary>
public enum OpenOutcome
{
    /// <summary>The partition sells.</summary>
    Opened = 1,

    /// <summary>The server, its data or the rebuild has been replaced since the fence was closed.</summary>
    Replaced = -1,
}

/// <summary>The outcomes of the scripts of a rebuild, and of the repair of one SKU.</summary>
public enum LoadOutcome
{
    /// <summary>Everything was processed.</summary>
    Loaded = 1,

    /// <summary>Another repair or a rebuild has taken over. Nothing was changed.</summary>
    Replaced = -1,
}

/// <summary>The outcomes of <c>lua/drop_strays.lua</c>.</summary>
public enum StrayOutcome
{
    /// <summary>Everything was looked at.</summary>
    Done = 1,
}

/// <summary>The outcomes of <c>lua/fence_sku.lua</c>.</summary>
public enum FenceSkuOutcome
{
    /// <summary>Nothing about the SKU's holds changes until it is opened.</summary>
    Closed = 1,

    /// <summary>The SKU is as it was before.</summary>
    Opened = 2,

    /// <summary>The SKU is removed; it had no holds.</summary>
    Removed = 3,

    /// <summary>The SKU is paused; it has holds.</summary>
    Paused = 4,

    /// <summary>Another repair has closed it.</summary>
    Replaced = -1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The outcomes of <c>lua/advance_stream.lua</c>.</summary>
public enum AdvanceOutcome
{
    /// <summary>New events now get ids after the stored ones.</summary>
    Advanced = 1,

    /// <summary>They already did.</summary>
    NotOlder = 2,
}

/// <summary>The outcomes of <c>lua/beat.lua</c>.</summary>
public enum BeatOutcome
{
    /// <summary>Due holds may expire for the next seconds.</summary>
    Fresh = 1,

    /// <summary>The epoch has changed since the payments were read; settle and read it again.</summary>
    OtherEpoch = -1,

    /// <summary>The epoch was read too long ago; settle and read it again.</summary>
    Late = -2,
}
