using System.Globalization;
using Inventory.Stock;
using Inventory.Testing;

namespace Inventory.Crash.Tests;

/// <summary>Invariants of both stores while no operation is between two steps.</summary>
public static class Agreement
{
    /// <summary>
    /// Checks the invariants of both stores for one SKU: total and version are the same; all units sold are in orders
    /// and in movements, and off the total; reserved is the sum of the holds; no reservation has a hold and an order.
    /// </summary>
    /// <param name="site">The stores.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="received">Units before any order.</param>
    /// <returns>Units sold and units held.</returns>
    public static async Task<(int Sold, int Held)> AssertAgreementAsync(this Site site, string sku, int received)
    {
        // A total that changed in PostgreSQL reaches Redis after some milliseconds.
        var total = await site.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'");
        var version = await site.ReadAsync<long>($"SELECT version FROM inventory WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync(version, async () => (await site.Engine.Levels.SnapshotAsync(sku)).Version, site);
        var stock = await site.Engine.Levels.SnapshotAsync(sku);
        var holds = await HoldsAsync(site, sku);
        var sold = await site.ReadAsync<string>(
            $"""
            SELECT coalesce(sum(quantity), 0) || '|' || count(DISTINCT reservation_id) || '|' || count(*)
            FROM order_items JOIN orders ON order_id = id WHERE sku_id = '{sku}' AND status = 'CONFIRMED'
            """);
        var moved = await site.ReadAsync<string>(
            $"""
            SELECT coalesce(-sum(quantity), 0) || '|' || count(DISTINCT reference) || '|' || count(*)
            FROM inventory_movements WHERE sku_id = '{sku}' AND reason = 'sold'
            """);
        var both = await site.ReadAsync<long>(
            $"SELECT count(*) FROM orders WHERE reservation_id = ANY('{{{string.Join(',', holds.Keys)}}}')");

        Assert.Equal(total, stock.Total);
        Assert.Equal(holds.Values.Sum(), stock.Reserved);
        Assert.Equal(sold, moved);
        Assert.Equal(0, both);
        var units = int.Parse(sold.Split('|')[0], CultureInfo.InvariantCulture);
        Assert.Equal(received, total + units);
        return (units, stock.Reserved);
    }

    private static async Task<Dictionary<Guid, int>> HoldsAsync(Site site, string sku)
    {
        var holds = new Dictionary<Guid, int>();
        await foreach (var page in site.Engine.Maintenance.ReadHoldsAsync(new(0), CancellationToken.None))
        {
            foreach (var part in page.Holds.Where(part => part.Hold.Lines.Any(line => line.Sku == sku)))
            {
                var own = part.Hold.Lines.Where(line => line.Sku == sku);
                holds.Add(part.ReservationId, own.Sum(line => line.Quantity));
            }
        }

        return holds;
    }
}
