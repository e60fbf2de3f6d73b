using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>Holds that expire in one step share writes; each still expires completely or not at all.</summary>
public sealed class ExpiryTogetherTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task Sums_are_exact_when_a_line_of_one_due_hold_cannot_be_read()
    {
        var (a, b, bad) = (await stock.SkuAsync(50), await stock.SkuAsync(50), await stock.SkuAsync(50));
        var stuck = await HoldAsync("stuck", new(a, 1), new(bad, 2), new(b, 3));
        Reservation[] free =
        [
            await HoldAsync("first", new(a, 5), new(b, 7)),
            await HoldAsync("second", new(b, 11), new(a, 13)),
            await HoldAsync("third", new Line(b, 17)),
        ];
        // The hold that can't be read is due between the others.
        await stock.MakeDueAsync(free[0], agoMs: 4_000);
        await stock.MakeDueAsync(stuck, agoMs: 3_000);
        await stock.MakeDueAsync(free[1], agoMs: 2_000);
        await stock.MakeDueAsync(free[2]);
        await stock.Database.HashSetAsync(default(Partition).Stock(bad), "reserved", "two");

        var answer = await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal((3, 1, 3), (answer.Lateness.Count, await ReservedAsync(a), await ReservedAsync(b)));
        foreach (var sku in new[] { a, b, bad }) Assert.Equal([stuck.Id], await DueAsync(sku));
        await stock.Database.HashSetAsync(default(Partition).Stock(bad), "reserved", "2");
        await stock.Engine.Holds.ExpireAsync(100);
        Assert.Equal((0, 0, 0), (await ReservedAsync(a), await ReservedAsync(b), await ReservedAsync(bad)));
        Assert.Equal(
            [(2, "expired"), (2, "expired"), (2, "expired"), (2, "expired")],
            (await stock.Engine.Events.ReadEventsAsync(10_000)).Events
                .Where(e => e.Type != "reserved" && free.Append(stuck).Any(hold => hold.Id == e.ReservationId))
                .Select(e => (e.Sequence, e.Type)));
    }

    [Fact]
    public async Task All_due_holds_of_one_customer_expire_in_one_step()
    {
        var sku = await stock.SkuAsync(50, limit: 4);
        // All holds are made before the first is due, because reserve expires due holds.
        var held = await Task.WhenAll(new[] { 1, 1, 2 }.Select(units => HoldAsync("me", new Line(sku, units))));
        foreach (var hold in held) await stock.MakeDueAsync(hold);

        await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal(4, (await HoldAsync("me", new Line(sku, 4))).Lines[0].Quantity);
        Assert.Equal((50, 4, 46, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task One_call_may_expire_more_holds_than_a_script_has_arguments()
    {
        const int Count = 9_000;
        var sku = await stock.SkuAsync(Count);
        await Parallel.ForAsync(0, Count, async (number, _) => await HoldAsync($"user-{number}", new Line(sku, 1)));
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));

        var answer = await stock.Engine.Holds.ExpireAsync(10_000);

        Assert.Equal((Count, 0), (answer.Lateness.Count, await ReservedAsync(sku)));
        Assert.Empty(await DueAsync(sku));
    }

    [Fact]
    public async Task A_hold_with_an_invalid_quantity_does_not_block_other_holds()
    {
        var sku = await stock.SkuAsync(50);
        var (huge, free) = (await HoldAsync("me", new Line(sku, 1)), await HoldAsync("other", new Line(sku, 2)));
        var (keys, id) = (default(Partition), ReservationKey.Of(huge.Id));
        var text = (string)(await stock.Database.HashGetAsync(keys.HoldsOf(id), id))!;
        await stock.Database.HashSetAsync(keys.HoldsOf(id), id, text[..^1] + "1e300");
        await stock.MakeDueAsync(huge);
        await stock.MakeDueAsync(free);

        await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal(1, await ReservedAsync(sku));
        Assert.Equal([huge.Id], await DueAsync(sku));
    }

    [Fact]
    public async Task A_failure_of_the_first_write_leaves_all_sums_exact()
    {
        var sku = await stock.SkuAsync(50);
        var held = await Task.WhenAll(new[] { 1, 2, 4 }.Select(units =>
            HoldAsync($"user-{units}", new Line(sku, units))));
        foreach (var hold in held) await stock.MakeDueAsync(hold, agoMs: 8_000 / hold.Lines[0].Quantity);
        var events = default(Partition).Events;
        await stock.Database.KeyRenameAsync(events, events.Append("-aside"));
        await stock.Database.StringSetAsync(events, "no stream");
        try
        {
            await Assert.ThrowsAsync<CorruptDataException>(() => stock.Engine.Holds.ExpireAsync(100));
            // The event is the first write of a hold's expiry, so none has expired.
            Assert.Equal((7, 3), (await ReservedAsync(sku), (await DueAsync(sku)).Length));
        }
        finally
        {
            await stock.Database.KeyRenameAsync(events.Append("-aside"), events);
        }
    }

    private async Task<Reservation> HoldAsync(string customer, params Line[] lines) => (
        await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request(customer, lines) with { OnExisting = OnExisting.Allow })).Reservation!;

    private async Task<int> ReservedAsync(string sku) =>
        (int)await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved");

    private async Task<Guid[]> DueAsync(string sku) =>
    [
        .. (await stock.Database.SortedSetRangeByRankAsync(default(Partition).DueOf(sku)))
            .Select(id => ReservationKey.Parse((string)id!)),
    ];
}
