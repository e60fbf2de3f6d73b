using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>A value that can't be read fails the request with an error that names it, before any write.</summary>
public sealed class UnreadableTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    public enum Damage
    {
        StockOfAnotherType,
        TotalNoNumber,
        ReservedFraction,
        ReservedMissing,
        DeadlinesOfAnotherType,
        UnitsNoNumber,
    }

    [Theory]
    [InlineData(Damage.StockOfAnotherType, "another type")]
    [InlineData(Damage.TotalNoNumber, "total is \"many\"")]
    [InlineData(Damage.ReservedFraction, "reserved is \"1.5\"")]
    [InlineData(Damage.ReservedMissing, "reserved is missing")]
    [InlineData(Damage.DeadlinesOfAnotherType, "another type")]
    [InlineData(Damage.UnitsNoNumber, "bought is \"some\"")]
    public async Task A_sku_that_cannot_be_read_refuses_the_cart_and_writes_nothing(Damage damage, string what)
    {
        var (good, bad) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        await BreakAsync(damage, bad);
        var before = await stock.DumpAsync();

        var failure = await Assert.ThrowsAsync<CorruptDataException>(
            () => stock.ReserveAsync("me", new Line(good, 1), new Line(bad, 1)));
        var cart = await Assert.ThrowsAsync<CorruptDataException>(() => stock.Engine.Holds.AdjustAsync(
            Holder.Customer("me"), new(bad, 1), TimeSpan.FromMinutes(1), null));

        foreach (var explained in new[] { failure.Message, cart.Message })
        {
            Assert.StartsWith(bad + " ", explained, StringComparison.Ordinal);
            Assert.Contains(what, explained, StringComparison.Ordinal);
        }

        Assert.Equal(before, await stock.DumpAsync());
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(good, 5))).Outcome);
    }

    [Theory]
    [InlineData(Damage.StockOfAnotherType)]
    [InlineData(Damage.ReservedFraction)]
    [InlineData(Damage.DeadlinesOfAnotherType)]
    [InlineData(Damage.UnitsNoNumber)]
    public async Task A_hold_of_an_unreadable_sku_stays_complete_and_does_not_block_others(Damage damage)
    {
        var (good, bad) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        var stuck = (await stock.ReserveAsync("me", new Line(good, 2), new Line(bad, 2))).Reservation!;
        var free = (await stock.ReserveAsync("other", new Line(good, 3))).Reservation!;
        await stock.MakeDueAsync(stuck);
        await stock.MakeDueAsync(free);
        await BreakAsync(damage, bad);

        await Assert.ThrowsAsync<CorruptDataException>(() => stock.Engine.Holds.ReleaseAsync(stuck.Id, null));
        await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal("2", await stock.Database.HashGetAsync(default(Partition).Stock(good), "reserved"));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("third", new Line(good, 3))).Outcome);
        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("late", new Line(good, 1))).Outcome);
    }

    [Fact]
    public async Task A_deadline_without_a_hold_is_removed_and_does_not_block_expiry()
    {
        var sku = await stock.SkuAsync(5);
        var gone = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        var free = (await stock.ReserveAsync("other", new Line(sku, 3))).Reservation!;
        await stock.MakeDueAsync(gone);
        await stock.MakeDueAsync(free);
        var (redis, keys, id) = (stock.Database, default(Partition), ReservationKey.Of(gone.Id));
        await redis.HashDeleteAsync(keys.HoldsOf(id), id);

        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("third", new Line(sku, 3))).Outcome);

        Assert.Null(await redis.SortedSetScoreAsync(keys.DueOf(sku), id));
        // The units of the lost hold aren't known here: the audit asks PostgreSQL.
        Assert.Equal("5", await redis.HashGetAsync(keys.Stock(sku), "reserved"));
        var again = (await stock.ReserveAsync("me", new Line(await stock.SkuAsync(1), 1))).Reservation!;
        await stock.MakeDueAsync(again);
        await redis.HashDeleteAsync(keys.HoldsOf(ReservationKey.Of(again.Id)), ReservationKey.Of(again.Id));
        await stock.Engine.Holds.ExpireAsync(100);
        Assert.Null(await redis.SortedSetScoreAsync(
            keys.DueOf(again.Lines[0].Sku), ReservationKey.Of(again.Id)));
    }

    [Fact]
    public async Task A_hold_that_lost_a_deadline_does_not_block_the_expiry_of_others()
    {
        var (first, second) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        var half = (await stock.ReserveAsync("me", new Line(first, 2), new Line(second, 2))).Reservation!;
        var free = (await stock.ReserveAsync("other", new Line(second, 3))).Reservation!;
        await stock.MakeDueAsync(half);
        await stock.MakeDueAsync(free);
        await stock.Database.SortedSetRemoveAsync(default(Partition).DueOf(first), ReservationKey.Of(half.Id));

        await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal("2", await stock.Database.HashGetAsync(default(Partition).Stock(second), "reserved"));
        var failure = await Assert.ThrowsAsync<CorruptDataException>(
            () => stock.Engine.Holds.ReleaseAsync(half.Id, null));
        Assert.Equal($"{first} a pending hold has no deadline", failure.Message);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-2")]
    [InlineData("02")]
    [InlineData("0x2")]
    [InlineData("2e0")]
    [InlineData("2.0")]
    [InlineData(" 2")]
    [InlineData("2147483648")]
    [InlineData("")]
    public async Task A_quantity_that_the_services_cannot_read_is_none_for_the_scripts_either(string quantity)
    {
        var (sku, other) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        foreach (var lines in new Line[][] { [new(sku, 2)], [new(sku, 2), new(other, 2)] })
        {
            var held = (await stock.ReserveAsync("me-" + lines.Length, lines)).Reservation!;
            var (redis, key) = (stock.Database, ReservationKey.Of(held.Id));
            var holds = default(Partition).HoldsOf(key);
            var text = ((string)(await redis.HashGetAsync(holds, key))!)
                .Replace($"{SkuText.Escape(sku)}\t2", $"{SkuText.Escape(sku)}\t{quantity}", StringComparison.Ordinal);
            await redis.HashSetAsync(holds, key, text);

            var failure = await Assert.ThrowsAsync<CorruptDataException>(
                () => stock.Engine.Holds.ReleaseAsync(held.Id, null));

            Assert.Equal(lines.MinBy(line => line.Sku, StringComparer.Ordinal).Sku, failure.Sku);
            Assert.Null(HoldText.Parse(text));
        }

        Assert.Equal("4", await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved"));
    }

    private async Task BreakAsync(Damage damage, string sku)
    {
        var (redis, keys) = (stock.Database, default(Partition));
        switch (damage)
        {
            case Damage.StockOfAnotherType:
                await redis.KeyDeleteAsync(keys.Stock(sku));
                await redis.StringSetAsync(keys.Stock(sku), "ten");
                break;
            case Damage.TotalNoNumber: await redis.HashSetAsync(keys.Stock(sku), "total", "many"); break;
            case Damage.ReservedFraction: await redis.HashSetAsync(keys.Stock(sku), "reserved", "1.5"); break;
            case Damage.ReservedMissing: await redis.HashDeleteAsync(keys.Stock(sku), "reserved"); break;
            case Damage.DeadlinesOfAnotherType:
                await redis.KeyDeleteAsync(keys.DueOf(sku));
                await redis.StringSetAsync(keys.DueOf(sku), "tomorrow");
                break;
            default:
                await redis.ScriptEvaluateAsync(
                    """
                    local digest = redis.sha1hex(ARGV[1])
                    redis.call('HSET', KEYS[1] .. string.sub(digest, 1, 3), string.sub(digest, 4, 25), ARGV[2])
                    """,
                    ["{inv:0}:units:"], [$"u:me\t{SkuText.Escape(sku)}", "some"]);
                break;
        }
    }

    [Theory]
    [InlineData("-1e300")]
    [InlineData("-inf")]
    [InlineData("0.5")]
    public async Task A_deadline_that_is_no_time_expires_no_hold_and_stops_no_expiry(string score)
    {
        var (good, bad) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        var free = (await stock.ReserveAsync("other", new Line(good, 3))).Reservation!;
        var stuck = (await stock.ReserveAsync("me", new Line(bad, 2))).Reservation!;
        await stock.MakeDueAsync(free);
        await stock.MakeDueAsync(stuck);
        await stock.Database.ExecuteAsync(
            "ZADD", (string)default(Partition).DueOf(bad)!, score, ReservationKey.Of(stuck.Id));

        // Other tests leave holds that can't expire, and each costs some of the budget.
        var expired = await stock.Engine.Holds.ExpireAsync(100);

        Assert.Single(expired.Lateness);
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(good));
        Assert.Equal((5, 2, 3, 1), await stock.StockOf(bad));
    }
}
