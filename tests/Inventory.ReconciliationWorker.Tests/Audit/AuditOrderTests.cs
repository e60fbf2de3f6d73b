using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>The audit compares the units bought and the movements with the orders.</summary>
public sealed class AuditOrderTests(Stores stores) : IClassFixture<Stores>
{
    [Theory]
    [InlineData("u:buyer", "u:buyer", 5L, "too early")]
    [InlineData("u:buyer", "u:buyer", 0L, "too many")]
    [InlineData("s:shopper|cart", "u:shopper", 1L, "too many")]
    public async Task A_count_of_bought_units_without_matching_orders_is_found_and_repaired(
        string holder, string owner, long wrong, string cause)
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await LimitedAsync(limit: 3);
        await BuyAsync(scene, sku, holder, 2);
        await scene.CyclesAsync(2);
        Assert.Equal("", await FindingsAsync(sku));

        await CountAsync(scene, sku, owner, wrong);
        var found = await scene.FindingAsync("BoughtUnits", sku, repaired: true);

        Assert.Contains(cause, found.Cause, StringComparison.Ordinal);
        Assert.EndsWith("1 count of bought units corrected.", found.Repair, StringComparison.Ordinal);
        Assert.Equal(owner, await stores.ReadAsync<string>(
            $"SELECT subject FROM audit_findings WHERE sku_id = '{sku}'"));
        Assert.Equal(2, await BoughtAsync(scene, sku, owner));
        Assert.Equal(ReserveOutcome.LimitExceeded, (await ReserveAsync(scene, sku, holder, 2)).Outcome);
        Assert.Equal(1, await stores.ReadAsync<long>(
            $"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}' AND reason = 'repair'"));
    }

    [Fact]
    public async Task A_cancellation_that_never_reached_Redis_is_repaired_when_it_is_overdue()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await LimitedAsync(limit: 3);
        var id = await BuyAsync(scene, sku, "u:leaver", 2);

        // The process died between the two stores.
        await scene.Worker.Confirmations.CancelOrderAsync(id, "customer-left", CancellationToken.None);
        await scene.CyclesAsync(2);
        Assert.Equal("", await FindingsAsync(sku));
        await stores.ExecuteAsync(
            $"UPDATE orders SET cancelled_at = cancelled_at - interval '31 seconds' WHERE reservation_id = '{id}'");

        await scene.FindingAsync("BoughtUnits", sku, repaired: true);
        Assert.Equal(0, await BoughtAsync(scene, sku, "u:leaver"));
        await scene.CyclesAsync(1);
        Assert.Equal("BoughtUnits gone", await FindingsAsync(sku));
    }

    [Fact]
    public async Task An_order_whose_commit_is_under_way_is_no_finding()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await LimitedAsync(limit: 3);
        var id = (await ReserveAsync(scene, sku, "u:slow", 2)).Reservation!.Id;
        var answer = await OrderAsync(scene, id);
        await scene.CyclesAsync(2);

        await CommitAsync(scene, id, answer);
        await scene.CyclesAsync(2);

        Assert.Equal("", await FindingsAsync(sku));
        Assert.Equal(2, await BoughtAsync(scene, sku, "u:slow"));
    }

    [Fact]
    public async Task A_reservation_row_whose_last_event_was_lost_is_confirmed_by_its_order()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await LimitedAsync(limit: 3);
        var id = await BuyAsync(scene, sku, "u:buyer", 2);
        var row = $"FROM reservations WHERE reservation_id = '{id}'";
        await Eventually.TrueAsync(() =>
            stores.ReadAsync<bool>($"SELECT EXISTS (SELECT {row} AND status = 'confirmed')"));

        // This is the row after Redis has lost its data before the event was read.
        await stores.ExecuteAsync(
            $"UPDATE reservations SET status = 'pending', sequence = sequence - 1 WHERE reservation_id = '{id}'");
        var found = await scene.FindingAsync("UnrecordedEnd", sku, repaired: true);

        Assert.Equal("The reservation is confirmed, as its order says; its history lacks the event.", found.Repair);
        Assert.Equal("confirmed 1", await stores.ReadAsync<string>($"SELECT concat_ws(' ', status, sequence) {row}"));
        await scene.CyclesAsync(2);
        Assert.Equal("UnrecordedEnd gone", await FindingsAsync(sku));
    }

    [Fact]
    public async Task A_wrong_count_of_a_sku_without_a_limit_is_no_finding()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (limited, free) = (await LimitedAsync(limit: 3), await stores.SkuAsync(10));
        await BuyAsync(scene, limited, "u:both", 1);
        await BuyAsync(scene, free, "u:both", 2);

        // A rebuild leaves this count.
        await CountAsync(scene, free, "u:both", 0);
        await scene.CyclesAsync(2);

        Assert.Equal("", await FindingsAsync(free) + await FindingsAsync(limited));
        Assert.Equal(0, await BoughtAsync(scene, free, "u:both"));
    }

    [Fact]
    public async Task Orders_and_movements_that_disagree_are_reported_and_not_repaired()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (sku, cancelled, fine) = (await LimitedAsync(9), await LimitedAsync(9), await LimitedAsync(9));
        await BuyAsync(scene, sku, "u:a", 2);
        var id = await BuyAsync(scene, cancelled, "u:b", 3);
        await scene.Worker.Confirmations.CancelOrderAsync(
            await BuyAsync(scene, fine, "u:c", 4), "customer-left", CancellationToken.None);
        await scene.CyclesAsync(2);
        Assert.Equal("", await FindingsAsync(sku) + await FindingsAsync(cancelled) + await FindingsAsync(fine));

        await stores.ExecuteAsync($"UPDATE inventory_movements SET quantity = -1 WHERE sku_id = '{sku}'");
        await stores.ExecuteAsync(
            $"UPDATE orders SET status = 'CANCELLED', cancelled_at = now() WHERE reservation_id = '{id}'");
        await scene.FindingAsync("OrderMovements", sku, repaired: false);
        await scene.FindingAsync("OrderMovements", cancelled, repaired: false);

        Assert.Equal("-1 units moved", await stores.ReadAsync<string>(
            $"SELECT actual FROM audit_findings WHERE sku_id = '{sku}'"));
        Assert.Equal("", await FindingsAsync(fine));
        await stores.ExecuteAsync($"UPDATE inventory_movements SET quantity = -2 WHERE sku_id = '{sku}'");
        await scene.CyclesAsync(2);
        Assert.Equal("OrderMovements gone", await FindingsAsync(sku));
        Assert.StartsWith("OrderMovements open", await FindingsAsync(cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_order_at_the_end_of_a_page_is_compared_with_its_movements_like_any_other()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(10);
        // Two pages and one order; only the last order of the second page lacks its movement.
        await stores.ExecuteAsync(
            $"""
            CREATE TEMP TABLE written ON COMMIT DROP AS
                SELECT lpad(n::text, 32, '0')::uuid AS id, n FROM generate_series(1, 1001) n;
            INSERT INTO orders (id, reservation_id, holder, customer_id, status, confirmed_at)
                SELECT id, id, 'u:pager', 'pager', 'CONFIRMED', now() FROM written;
            INSERT INTO order_items (order_id, sku_id, quantity) SELECT id, '{sku}', 1 FROM written;
            INSERT INTO inventory_movements
                (order_id, sku_id, quantity, reason, reference, total_after, version_after)
                SELECT id, '{sku}', -1, 'sold', id, total, version
                FROM written, inventory WHERE sku_id = '{sku}' AND n <> 1000
            """);

        await scene.FindingAsync("OrderMovements", sku, repaired: false);
        // The finding may be of a run that isn't complete, so this waits for a complete one.
        await scene.CyclesAsync(1);

        Assert.Equal("-1 units moved by 1 orders that have 1 units, 0 units moved", await stores.ReadAsync<string>(
            $"SELECT expected || ', ' || actual FROM audit_findings WHERE sku_id = '{sku}'"));
        await stores.ExecuteAsync("DELETE FROM order_items WHERE order_id IN "
            + "(SELECT id FROM orders WHERE customer_id = 'pager')");
        await stores.ExecuteAsync($"DELETE FROM inventory_movements WHERE sku_id = '{sku}'");
        await stores.ExecuteAsync("DELETE FROM orders WHERE customer_id = 'pager'");
    }

    private async Task<string> LimitedAsync(int limit)
    {
        var sku = await stores.SkuAsync(10);
        await stores.ExecuteAsync($"UPDATE products SET max_per_customer = {limit} WHERE sku_id = '{sku}'");
        await Eventually.TrueAsync(async () => await stores.FieldAsync(sku, "max_per_customer") is not null);
        return sku;
    }

    private async Task<Guid> BuyAsync(AuditScene scene, string sku, string holder, int quantity)
    {
        var held = await ReserveAsync(scene, sku, holder, quantity);
        Assert.Equal(ReserveOutcome.Held, held.Outcome);
        await CommitAsync(scene, held.Reservation!.Id, await OrderAsync(scene, held.Reservation.Id));
        return held.Reservation.Id;
    }

    private static Task<ReserveAnswer> ReserveAsync(AuditScene scene, string sku, string holder, int quantity) =>
        scene.Engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Parse(holder),
            Lines = [new(sku, quantity)],
            HoldFor = TimeSpan.FromHours(1),
            OnExisting = OnExisting.Allow,
        });

    private static async Task<ConfirmAnswer> OrderAsync(AuditScene scene, Guid id)
    {
        var pinned = await scene.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
        return await scene.Worker.Confirmations.ConfirmAsync(
            new()
            {
                ReservationId = id,
                Pins = pinned.Pins,
                Holder = pinned.Reservation!.Holder.Text,
                Lines = pinned.Reservation.Lines,
            },
            CancellationToken.None);
    }

    private static Task<CommitOutcome> CommitAsync(AuditScene scene, Guid id, ConfirmAnswer order) =>
        scene.Engine.Confirmations.CommitAsync(id, order.Totals);

    /// <summary>Sets the units that an owner has bought, as a manual change in Redis would.</summary>
    private static Task<int> CountAsync(AuditScene scene, string sku, string owner, long units) =>
        scene.Engine.Maintenance.LoadUnitsAsync(default, [(owner, sku, units)]);

    private static async Task<long?> BoughtAsync(AuditScene scene, string sku, string owner) =>
        (await scene.Engine.Audit.AuditBoughtAsync(default, [(Holder.Parse(owner), sku)]))![0].Units;

    private Task<string> FindingsAsync(string sku) => stores.ReadAsync<string>(
        $"""
        SELECT coalesce(string_agg(concat_ws(' ', kind, CASE WHEN gone_at IS NULL THEN 'open' ELSE 'gone' END), ', '
            ORDER BY kind), '') FROM audit_findings WHERE sku_id = '{sku}'
        """);
}
