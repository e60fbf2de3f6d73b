using Inventory.Ledger;

namespace Inventory.ReservationApi.Products;

/// <summary>One change of a total.</summary>
public sealed record MovementView
{
    internal MovementView(InventoryMovement movement)
    {
        (Id, Quantity, TotalAfter) = (movement.Id, movement.Quantity, movement.TotalAfter);
        (Reason, Reference, OrderId) = (movement.Reason, movement.Reference, movement.OrderId);
        (Version, At) = (movement.VersionAfter, movement.At.UtcDateTime);
    }

    /// <summary>Its number, ascending.</summary>
    public long Id { get; }

    /// <summary>Units added, or taken when below 0.</summary>
    /// <example>20</example>
    public int Quantity { get; }

    /// <summary>The reason.</summary>
    /// <example>received</example>
    public string Reason { get; }

    /// <summary>The document behind it; the reservation, for units that were sold.</summary>
    /// <example>delivery 4711</example>
    public string Reference { get; }

    /// <summary>The order that caused it; absent for any other movement.</summary>
    public Guid? OrderId { get; }

    /// <summary>The total after it.</summary>
    /// <example>47</example>
    public int TotalAfter { get; }

    /// <summary>The version of the total after it; orders that were confirmed together share one.</summary>
    public long Version { get; }

    /// <summary>When it was written, UTC.</summary>
    public DateTime At { get; }
}
