using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker;

/// <summary>Distinguishes the order of a hold from another order with the same reservation id.</summary>
internal static class OrderMatch
{
    /// <summary>
    /// Whether a hold became the order. A client may have used the id of an earlier order for another reservation, and
    /// crashed after its confirm was refused and before the hold was unpinned.
    /// </summary>
    /// <param name="order">The order.</param>
    /// <param name="holder">The hold's holder.</param>
    /// <param name="lines">The hold's lines.</param>
    /// <param name="concerns">Selects the SKUs that the hold can contain.</param>
    public static bool IsOf(this Order order, Holder holder, IReadOnlyList<Line> lines, Func<string, bool> concerns) =>
        order.Holder == holder.Text && order.Items
            .Where(item => concerns(item.SkuId))
            .Select(item => new Line(item.SkuId, item.Quantity))
            .ToHashSet().SetEquals(lines);
}
