namespace Inventory.Stock;

/// <summary>The outcomes of the scripts that audit.</summary>
public enum AuditOutcome
{
    /// <summary>The reply shows the state at one moment.</summary>
    Looked = 1,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}
