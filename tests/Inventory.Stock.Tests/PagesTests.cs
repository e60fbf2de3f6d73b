using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>Pages of deadlines stay packed however many holds a SKU has, and every deadline is found.</summary>
public sealed class PagesTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly Partition Keys = new(0);

    public enum Lives
    {
        Equal,
        Shrinking,
        Mixed,
        Any,
    }

    [Theory]
    [InlineData(Lives.Equal)]
    [InlineData(Lives.Shrinking)]
    [InlineData(Lives.Mixed)]
    [InlineData(Lives.Any)]
    public async Task Thousands_of_deadlines_stay_in_packed_pages(Lives lives)
    {
        var random = new Random(7);
        var sku = await stock.SkuAsync(3_000);

        var held = await HoldAsync(sku, 3_000, number => TimeSpan.FromMilliseconds(lives switch
        {
            Lives.Equal => 600_000,
            Lives.Shrinking => 600_000 - (100 * number),
            Lives.Mixed => number % 3 == 0 ? 300_000 : 600_000,
            _ => random.Next(300_000, 600_000),
        }));

        var pages = await Pages.AssertLawsAsync(stock.Database, sku, held);
        // Deadlines that only increase fill their pages, except for equal ones, which stay in one page.
        Assert.InRange(pages.Count, 3_000 / 128, lives == Lives.Equal ? 3_000 / 75 : 3_000 / 32);
        Assert.Equal((3_000, 3_000, 0, 3_000), await stock.StockOf(sku));
        Assert.Equal(held.Order(), (await ScanAsync(sku)).Order());
    }

    [Fact]
    public async Task Pages_match_the_pending_holds_after_random_operations()
    {
        var (random, sku) = (new Random(11), await stock.SkuAsync(100_000));
        var pending = (await HoldAsync(sku, 600, _ => TimeSpan.FromSeconds(random.Next(60, 600)))).ToList();
        for (var step = 0; step < 60; step++)
        {
            pending.AddRange(await HoldAsync(sku, random.Next(40), _ => TimeSpan.FromSeconds(random.Next(60, 600))));
            foreach (var id in Take(random, pending, 10))
            {
                var extended = await stock.Engine.Holds.ExtendAsync(
                    id, TimeSpan.FromSeconds(random.Next(1, 300)), null);
                if (extended.Outcome != ExtendOutcome.Ended) pending.Add(id);
            }

            foreach (var id in Take(random, pending, 10)) await stock.Engine.Holds.ReleaseAsync(id, null);
            foreach (var id in Take(random, pending, 10))
            {
                var pinned = await stock.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
                if (pinned.Outcome != PinOutcome.Pinned) continue;
                if (random.Next(2) == 0)
                {
                    await stock.Engine.Confirmations.UnpinAsync(id, pinned.Pins[0]);
                    pending.Add(id);
                }
            }

            await Pages.PassAsync(stock.Database, sku, TimeSpan.FromSeconds(random.Next(20)));
            var now = await stock.NowAsync();
            await stock.Engine.Holds.ExpireAsync(100_000);
            var left = (await Pages.ReadAsync(stock.Database, sku)).SelectMany(page => page.Deadlines).ToList();
            Assert.All(left, one => Assert.True(one.Score > now));
            var filed = left.Select(one => ReservationKey.Parse((string)one.Element!)).ToHashSet();
            foreach (var id in pending.Where(id => !filed.Contains(id)))
            {
                Assert.Equal(FindOutcome.Ended, (await stock.Engine.Holds.FindAsync(id)).Outcome);
            }

            pending.RemoveAll(id => !filed.Contains(id));
            await Pages.AssertLawsAsync(stock.Database, sku, pending);
        }
    }

    [Fact]
    public async Task Due_holds_of_many_pages_expire_earliest_first()
    {
        // A Redis of its own: due holds of other tests would count too.
        var own = new EngineFixture();
        try
        {
            await own.InitializeAsync();
            var sku = await own.SkuAsync(1_000);
            await HoldAsync(sku, 1_000, number => TimeSpan.FromSeconds(number < 700 ? 100 + (number / 10) : 600), own);
            await Pages.PassAsync(own.Database, sku, TimeSpan.FromSeconds(200));

            var first = await own.Engine.Holds.ExpireAsync(300);
            Assert.Equal((ExpireOutcome.MoreDue, 300), (first.Outcome, first.Lateness.Count));
            var second = await own.Engine.Holds.ExpireAsync(1_000);

            Assert.Equal((ExpireOutcome.Drained, 400), (second.Outcome, second.Lateness.Count));
            Assert.True(first.Lateness.Min() >= second.Lateness.Max() - TimeSpan.FromSeconds(1));
            Assert.Equal((1_000, 300, 700, 300), await own.StockOf(sku));
            var left = (await Pages.ReadAsync(own.Database, sku)).SelectMany(page => page.Deadlines).ToList();
            Assert.Equal(
                left.Min(one => one.Score), await own.Database.SortedSetScoreAsync(Keys.Due, SkuText.Escape(sku)));
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Due_holds_of_later_pages_do_not_hide_stock()
    {
        var sku = await stock.SkuAsync(400);
        await HoldAsync(sku, 400, _ => TimeSpan.FromMinutes(10));
        // One call expires the first page and nothing of the next.
        var first = (await Pages.ReadAsync(stock.Database, sku))[0].Deadlines.Count;
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));

        var answer = await stock.With(new() { ReclaimBatch = first })
            .Holds.ReserveAsync(EngineFixture.Request("me", new Line(sku, 400)));

        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        Assert.Equal((400, 400, 0, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task Equal_deadlines_stay_in_one_page()
    {
        var sku = await stock.SkuAsync(400);
        var held = await HoldAsync(sku, 300, _ => TimeSpan.FromMinutes(10));
        var deadline = await stock.NowAsync() + TimeSpan.FromMinutes(20).TotalMilliseconds;
        foreach (var one in (await Pages.ReadAsync(stock.Database, sku)).SelectMany(page => page.Deadlines))
        {
            await stock.Engine.Holds.ExtendAsync(
                ReservationKey.Parse((string)one.Element!), TimeSpan.FromMilliseconds(deadline - one.Score), null);
        }

        var pages = await Pages.AssertLawsAsync(stock.Database, sku, held);
        Assert.Equal([deadline], pages.SelectMany(page => page.Deadlines).Select(one => one.Score).Distinct());
        var later = await HoldAsync(sku, 10, _ => TimeSpan.FromMinutes(30));
        await Pages.AssertLawsAsync(stock.Database, sku, held.Concat(later));
    }

    [Fact]
    public async Task Pages_are_removed_with_their_last_holds()
    {
        var sku = await stock.SkuAsync(500);
        var held = await HoldAsync(sku, 500, _ => TimeSpan.FromMinutes(10));

        Assert.NotEmpty(await PageKeysAsync(sku));

        await Parallel.ForEachAsync(held, async (id, _) => await stock.Engine.Holds.ReleaseAsync(id, null));

        Assert.Empty(await PageKeysAsync(sku));
        Assert.False(await stock.Database.KeyExistsAsync(Keys.DueOf(sku)));
    }

    [Fact]
    public async Task A_hold_that_cannot_be_read_does_not_keep_later_pages_from_expiring()
    {
        var sku = await stock.SkuAsync(300);
        await HoldAsync(sku, 300, _ => TimeSpan.FromMinutes(10));
        var stuck = (await Pages.ReadAsync(stock.Database, sku))[0].Deadlines[0].Element;
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));
        await stock.Database.HashSetAsync(Keys.HoldsOf(stuck!), stuck, "nonsense");

        await stock.Engine.Holds.ExpireAsync(1_000);

        Assert.Equal("1", await stock.Database.HashGetAsync(Keys.Stock(sku), "reserved"));
        Assert.Equal([stuck], (await Pages.ReadAsync(stock.Database, sku)).SelectMany(page => page.Deadlines)
            .Select(one => one.Element));
        // It would be due for ever, and in the batches of other tests.
        await stock.Database.SortedSetRemoveAsync(Keys.Due, SkuText.Escape(sku));
    }

    [Fact]
    public async Task A_page_of_another_type_fails_every_script_before_its_first_write()
    {
        var sku = await stock.SkuAsync(500);
        await HoldAsync(sku, 300, _ => TimeSpan.FromMinutes(10));
        var last = (await Pages.ReadAsync(stock.Database, sku))[^1];
        var id = ReservationKey.Parse((string)last.Deadlines[0].Element!);
        await stock.Database.KeyDeleteAsync(last.Key);
        await stock.Database.StringSetAsync(last.Key, "tomorrow");
        var before = await stock.Database.StreamLengthAsync(Keys.Events);

        foreach (var call in new Func<Task>[]
        {
            () => stock.ReserveAsync("me", new Line(sku, 1)),
            () => stock.Engine.Holds.AdjustAsync(
                Holder.Customer("me"), new Line(sku, 1), TimeSpan.FromMinutes(10), idempotency: null),
            () => stock.Engine.Holds.ReleaseAsync(id, null),
            () => stock.Engine.Holds.ExtendAsync(id, TimeSpan.FromSeconds(1), null),
            () => stock.Engine.Confirmations.PinAsync(id, TimeSpan.FromSeconds(1)),
        })
        {
            var failure = await Assert.ThrowsAsync<CorruptDataException>(call);
            Assert.Equal($"{sku} {last.Key} has another type", failure.Message);
        }

        Assert.Equal("300", await stock.Database.HashGetAsync(Keys.Stock(sku), "reserved"));
        Assert.Equal(before, await stock.Database.StreamLengthAsync(Keys.Events));
    }

    [Fact]
    public async Task Holds_written_before_there_were_pages_are_found()
    {
        var sku = await stock.SkuAsync(500);
        var old = await HoldAsync(sku, 60, number => TimeSpan.FromSeconds(300 + number));
        foreach (var key in old.Select(ReservationKey.Of))
        {
            var fields = ((string)(await stock.Database.HashGetAsync(Keys.HoldsOf(key), key))!).Split('\t');
            fields[3] = "0";
            await stock.Database.HashSetAsync(Keys.HoldsOf(key), key, string.Join('\t', fields));
        }

        // These deadlines lie between the old ones, so that their page is split.
        await HoldAsync(sku, 200, number => TimeSpan.FromMilliseconds(320_000 + (5 * number)));

        Assert.NotEqual(1, (await Pages.ReadAsync(stock.Database, sku)).Count(page => page.Deadlines.Any(
            one => old.Contains(ReservationKey.Parse((string)one.Element!)))));
        foreach (var id in old) Assert.Equal(FindOutcome.Active, (await stock.Engine.Holds.FindAsync(id)).Outcome);
        foreach (var id in old) await stock.Engine.Holds.ReleaseAsync(id, null);
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));
        await stock.Engine.Holds.ExpireAsync(1_000);
        Assert.Equal((500, 0, 500, 0), await stock.StockOf(sku));
    }

    private async Task<Guid[]> HoldAsync(
        string sku, int count, Func<int, TimeSpan> life, EngineFixture? at = null)
    {
        var engine = (at ?? stock).Engine;
        var lives = Enumerable.Range(0, count).Select(life).ToArray();
        var held = new Guid[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, _) =>
        {
            var request = EngineFixture.Request($"user-{Guid.NewGuid()}", new Line(sku, 1));
            var answer = await engine.Holds.ReserveAsync(request with { HoldFor = lives[number] });
            Assert.Equal(ReserveOutcome.Held, answer.Outcome);
            held[number] = answer.Reservation!.Id;
        });
        return held;
    }

    private static List<Guid> Take(Random random, List<Guid> pending, int count)
    {
        var taken = new List<Guid>();
        for (var i = 0; i < count && pending.Count > 0; i++)
        {
            var at = random.Next(pending.Count);
            taken.Add(pending[at]);
            pending.RemoveAt(at);
        }

        return taken;
    }

    private async Task<List<Guid>> ScanAsync(string sku)
    {
        var ids = new List<Guid>();
        await foreach (var id in stock.Engine.Audit.ScanDeadlinesAsync(sku)) ids.Add(id);
        return ids;
    }

    private async Task<List<RedisKey>> PageKeysAsync(string sku)
    {
        var keys = new List<RedisKey>();
        var pattern = $"{{inv:0}}:page*:{SkuText.Escape(sku)}";
        await foreach (var key in stock.Redis.GetServers()[0].KeysAsync(pattern: pattern)) keys.Add(key);
        return keys;
    }
}
