using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker;

/// <summary>Compares the holder and lines of a hold in Redis with what PostgreSQL has under its id.</summary>
internal static class HoldMatch
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

    /// <summary>Whether a hold has the holder and the lines of its row.</summary>
    /// <param name="holder">The hold's holder.</param>
    /// <param name="lines">The hold's lines.</param>
    /// <param name="storedHolder">The row's holder.</param>
    /// <param name="storedLines">The row's lines; empty when they can't be read, so that nothing is known.</param>
    public static bool IsAsStored(
        Holder holder, IReadOnlyList<Line> lines, string storedHolder, IReadOnlyList<Line> storedLines) =>
        storedLines.Count == 0
        || (holder.Text == storedHolder && lines.Count == storedLines.Count && storedLines.All(lines.Contains));
}
