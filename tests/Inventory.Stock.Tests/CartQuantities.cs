using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>A backend's call for a cart, in one line.</summary>
internal static class CartQuantities
{
    /// <inheritdoc cref="HoldStore.AdjustAsync(ReserveRequest)"/>
    public static Task<AdjustAnswer> AdjustAsync(
        this HoldStore holds, Holder holder, Line line, TimeSpan holdFor, Idempotency? idempotency) =>
        holds.AdjustAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = holder,
            Lines = [line],
            HoldFor = holdFor,
            Idempotency = idempotency,
        });
}
