namespace Inventory.Stock;

/// <summary>What <c>lua/verify_run.lua</c> answered.</summary>
public enum VerifyOutcome
{
    /// <summary>The partition was opened, and by this very run of this server.</summary>
    Verified = 1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What <c>lua/close_fence.lua</c> answered.</summary>
public enum CloseOutcome
{
    /// <summary>Nothing is sold until the fence is opened.</summary>
    Closed = 1,
}

/// <summary>What <c>lua/open_fence.lua</c> answered.</summary>
public enum OpenOutcome
{
    /// <summary>The partition sells.</summary>
    Opened = 1,

    /// <summary>The server, its data or the rebuild isn't the one that was begun with.</summary>
    Replaced = -1,
}

/// <summary>What the scripts answer that load what was lost.</summary>
public enum LoadOutcome
{
    /// <summary>All of it was looked at.</summary>
    Loaded = 1,
}

/// <summary>What <c>lua/advance_stream.lua</c> answered.</summary>
public enum AdvanceOutcome
{
    /// <summary>New events come after those that are stored.</summary>
    Advanced = 1,

    /// <summary>They did already.</summary>
    NotOlder = 2,
}

/// <summary>What <c>lua/beat.lua</c> answered.</summary>
public enum BeatOutcome
{
    /// <summary>Due holds may be given back for the next seconds.</summary>
    Fresh = 1,

    /// <summary>The data isn't that of before the payments were looked for: look again.</summary>
    OtherEpoch = -1,

    /// <summary>The look is too long ago to say anything: look again.</summary>
    Late = -2,
}
