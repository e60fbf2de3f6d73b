using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker;

/// <summary>Tells an order that a hold became from another that has its id.</summary>
internal static class OrderMatch
{
    /// <summary>
    /// Whether the order is what a hold became. A client may have used the id of an earlier order for another
    /// reservation; its confirm was refused, and nobody was left to unpin it.
    /// </summary>
    /// <param name="order">The order.</param>
    /// <param name="holder">Whose hold it is.</param>
    /// <param name="lines">What is held.</param>
    /// <param name="concerns">The SKUs that the hold can be of.</param>
    public static bool IsOf(this Order order, Holder holder, IReadOnlyList<Line> lines, Func<string, bool> concerns) =>
        order.Holder == holder.Text && order.Items
            .Where(item => concerns(item.SkuId))
            .Select(item => new Line(item.SkuId, item.Quantity))
            .ToHashSet().SetEquals(lines);
}
