using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>A page of deadlines of a SKU's pending holds, in the first partition.</summary>
/// <param name="Key">The page's key.</param>
/// <param name="From">No deadline of the page is before this; negative infinity for the first page.</param>
/// <param name="Deadlines">Ids, scored by deadline.</param>
/// <param name="Encoding">Redis' encoding of the page.</param>
internal sealed record Page(RedisKey Key, double From, IReadOnlyList<SortedSetEntry> Deadlines, string Encoding);

internal static class Pages
{
    private static readonly Partition Keys = new(0);

    /// <summary>All pages, including the first when it is empty.</summary>
    public static async Task<IReadOnlyList<Page>> ReadAsync(IDatabase redis, string sku)
    {
        var pages = new List<Page> { await ReadAsync(redis, Keys.DueOf(sku), double.NegativeInfinity) };
        foreach (var start in await redis.SortedSetRangeByRankWithScoresAsync(Keys.PagesOf(sku)))
        {
            Assert.Equal(start.Score, (double)start.Element);
            pages.Add(await ReadAsync(redis, Keys.PageOf(sku, start.Element), start.Score));
        }

        return pages;
    }

    /// <summary>Asserts the invariants of lua/shared/deadlines.lua for a SKU with these pending holds.</summary>
    public static async Task<IReadOnlyList<Page>> AssertLawsAsync(IDatabase redis, string sku, IEnumerable<Guid> holds)
    {
        var pages = await ReadAsync(redis, sku);
        foreach (var (page, next) in pages.Zip(pages.Skip(1).Append(null)))
        {
            Assert.True(page.Deadlines.Count > 0 || page == pages[0], $"{page.Key} is empty");
            Assert.All(page.Deadlines, one => Assert.InRange(one.Score, page.From, (next?.From ?? 1e15) - 1));
            var moments = page.Deadlines.Select(one => one.Score).Distinct().Count();
            Assert.Equal("listpack", moments > 1 ? page.Encoding : "listpack");
        }

        var filed = pages.SelectMany(page => page.Deadlines).ToList();
        Assert.Equal(
            holds.Select(ReservationKey.Of).Order(StringComparer.Ordinal),
            filed.Select(one => (string)one.Element!).Order(StringComparer.Ordinal));
        foreach (var one in filed)
        {
            var text = (string)(await redis.HashGetAsync(Keys.HoldsOf(one.Element!), one.Element))!;
            Assert.Equal($"{one.Score}", text.Split('\t')[3]);
        }

        return pages;
    }

    /// <summary>Moves all deadlines of a SKU's pending holds by this time towards the past.</summary>
    public static Task PassAsync(IDatabase redis, string sku, TimeSpan time) => redis.ScriptEvaluateAsync(
        """
        local prefix, sku, ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
        local starts = redis.call('ZRANGE', prefix .. 'pages:' .. sku, 0, -1)
        redis.call('DEL', prefix .. 'pages:' .. sku)
        local function move(from, to)
          local entries = redis.call('ZRANGE', from, 0, -1, 'WITHSCORES')
          redis.call('DEL', from)
          for i = 1, #entries, 2 do
            local id, deadline = entries[i], string.format('%.0f', entries[i + 1] - ms)
            local bucket = prefix .. 'holds:' .. string.sub(id, 20, 21)
            local text = string.gsub(redis.call('HGET', bucket, id), '^(%a\t%d+\t%d+\t)%d+', '%1' .. deadline)
            redis.call('HSET', bucket, id, text)
            redis.call('ZADD', to, deadline, id)
            redis.call('ZADD', prefix .. 'due', 'LT', deadline, sku)
          end
        end
        move(prefix .. 'due:' .. sku, prefix .. 'due:' .. sku)
        for _, start in ipairs(starts) do
          local earlier = string.format('%.0f', start - ms)
          move(prefix .. 'page:' .. start .. ':' .. sku, prefix .. 'page:' .. earlier .. ':' .. sku)
          redis.call('ZADD', prefix .. 'pages:' .. sku, earlier, earlier)
        end
        """,
        [PrefixOf(Keys)],
        [SkuText.Escape(sku), time.TotalMilliseconds]);

    /// <summary>Gives a pending hold a deadline before every page's start.</summary>
    public static Task MoveToFirstAsync(IDatabase redis, Partition keys, string sku, string id, long deadlineMs) =>
        redis.ScriptEvaluateAsync(
            """
            local prefix, sku, id, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
            for _, start in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
              local page = prefix .. 'page:' .. start .. ':' .. sku
              if redis.call('ZREM', page, id) == 1 then
                redis.call('ZADD', KEYS[1], deadline, id)
                if redis.call('EXISTS', page) == 0 then redis.call('ZREM', KEYS[2], start) end
              end
            end
            redis.call('ZADD', KEYS[1], 'XX', deadline, id)
            local text = redis.call('HGET', KEYS[3], id)
            if text then
              redis.call('HSET', KEYS[3], id, (string.gsub(text, '^(%a\t%d+\t%d+\t)%d+', '%1' .. deadline)))
            end
            """,
            [keys.DueOf(sku), keys.PagesOf(sku), keys.HoldsOf(id)],
            [PrefixOf(keys), SkuText.Escape(sku), id, deadlineMs]);

    private static string PrefixOf(Partition keys) => keys.Stock("").ToString()[..^"stock:".Length];

    private static async Task<Page> ReadAsync(IDatabase redis, RedisKey key, double from) => new(
        key, from, await redis.SortedSetRangeByRankWithScoresAsync(key), await redis.KeyEncodingAsync(key) ?? "");
}
