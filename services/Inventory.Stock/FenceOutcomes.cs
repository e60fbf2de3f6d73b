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
