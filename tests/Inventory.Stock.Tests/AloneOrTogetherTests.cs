using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// Two shops get the same random requests: one decides each alone, the other in batches. All fields of the answers and
/// all stored data are equal, except for times.
/// </summary>
public sealed class AloneOrTogetherTests : IAsyncLifetime
{
    private const int Rounds = 15;
    private const int MostAtOnce = 60;
    private static readonly string[] Skus = ["plenty", "scarce", "limited", "paused", "damaged", "unknown", "other"];
    private readonly EngineFixture alone = new(), together = new();
    private readonly List<ReserveRequest> asked = [];
    private int lastDue;

    public async Task InitializeAsync()
    {
        foreach (var shop in new[] { alone, together })
        {
            await shop.InitializeAsync();
            await shop.Engine.Levels.SetStockAsync(new("plenty", 1_000, 1, null, false));
            await shop.Engine.Levels.SetStockAsync(new("scarce", 3, 1, null, false));
            await shop.Engine.Levels.SetStockAsync(new("limited", 300, 1, 3, false));
            await shop.Engine.Levels.SetStockAsync(new("paused", 10, 1, null, true));
            await shop.Engine.Levels.SetStockAsync(new("damaged", 10, 1, null, false));
            await shop.Engine.Levels.SetStockAsync(new("other", 20, 1, 8, false));
            await shop.Database.HashSetAsync(default(Partition).Stock("damaged"), "total", "many");
        }
    }

    public async Task DisposeAsync()
    {
        await alone.DisposeAsync();
        await together.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_batch_answers_and_stores_the_same_as_single_calls(int seed)
    {
        var random = new Random(seed);
        var ids = Ids(random, 150);
        var seen = new HashSet<string>();
        for (var round = 0; round < Rounds; round++)
        {
            var requests = Enumerable.Range(0, random.Next(1, MostAtOnce)).Select(_ => Draw(random, ids)).ToArray();

            var expected = new List<string>();
            foreach (var request in requests) expected.Add(await TextAsync(alone.Engine.Holds.ReserveAsync(request)));
            var calls = await Together.StartAsync(together, together.Engine, requests);
            var found = await Task.WhenAll(calls.Select(TextAsync));

            Assert.Equal(expected, found);
            Assert.Equal(await StoredAsync(alone), await StoredAsync(together));
            seen.UnionWith(expected.Select(text => text.Split(' ')[0]));
            await MoveOnAsync(random, requests.Select(request => request.Id).Distinct());
        }

        // Fenced needs a fenced server, and MoreDue a smaller budget for due holds; all other outcomes occur.
        var outcomes = Enum.GetNames<ReserveOutcome>()
            .Except([nameof(ReserveOutcome.Fenced), nameof(ReserveOutcome.MoreDue)]);
        Assert.Empty(outcomes.Except(seen));
        Assert.Contains("Unreadable:", seen);
    }

    private static Guid[] Ids(Random random, int count)
    {
        var ids = new Guid[count];
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < count; i++)
        {
            random.NextBytes(bytes);
            ids[i] = new(bytes);
        }

        return ids;
    }

    private ReserveRequest Draw(Random random, Guid[] ids)
    {
        if (asked.Count > 0 && random.Next(6) == 0)
        {
            var again = asked[random.Next(asked.Count)];
            return random.Next(2) == 0 ? again : again with { Idempotency = null };
        }

        var lines = random.GetItems(Skus, random.Next(5) == 0 ? 3 : 1)
            .Select(sku => new Line(sku, random.Next(1, 4))).ToArray();
        var key = random.Next(3) == 0
            ? Idempotency.Create("caller", $"{random.Next(40)}", [(byte)random.Next(2)])
            : null;
        asked.Add(new()
        {
            Id = ids[random.Next(ids.Length)],
            Holder = random.Next(4) == 0
                ? Holder.ShopperCart($"{random.Next(7)}", $"{random.Next(3)}")
                : Holder.Customer($"{random.Next(7)}"),
            Lines = lines,
            HoldFor = TimeSpan.FromMinutes(random.Next(5, 15)),
            OnExisting = random.GetItems(Enum.GetValues<OnExisting>(), 1)[0],
            Idempotency = key,
        });
        return asked[^1];
    }

    /// <summary>Makes some of the holds due, one after the other, and releases some.</summary>
    private async Task MoveOnAsync(Random random, IEnumerable<Guid> ids)
    {
        foreach (var id in ids)
        {
            var (fate, due) = (random.Next(4), ++lastDue);
            var outcomes = new List<FindOutcome>();
            foreach (var shop in new[] { alone, together })
            {
                var (outcome, reservation, _) = await shop.Engine.Holds.FindAsync(id);
                outcomes.Add(outcome);
                if (outcome != FindOutcome.Active) continue;
                if (fate == 0) await shop.MakeDueAsync(reservation!, agoMs: 10_000_000 - (1_000 * due));
                if (fate == 1) await shop.Engine.Holds.ReleaseAsync(id, null);
            }

            Assert.Equal(outcomes[0], outcomes[1]);
        }
    }

    private static async Task<string> TextAsync(Task<ReserveAnswer> call)
    {
        try
        {
            var answer = await call;
            var reservation = answer.Reservation;
            var life = answer.Outcome == ReserveOutcome.Held ? $"{reservation!.ExpiresAt - answer.DecidedAt}" : "";
            return $"{answer.Outcome} {answer.Replayed} {answer.Sku} {answer.Limit} {answer.Units} {life} "
                + string.Join(',', answer.Available)
                + $" {reservation?.Id} {reservation?.Status} {reservation?.Holder} "
                + string.Join(',', reservation?.Lines ?? []);
        }
        catch (CorruptDataException e)
        {
            return $"Unreadable: {e.Message}";
        }
    }

    /// <summary>Counters, units, pending holds and all events in order, without times.</summary>
    private static async Task<List<string>> StoredAsync(EngineFixture shop)
    {
        var (redis, keys) = (shop.Database, default(Partition));
        var stored = new List<string>();
        foreach (var sku in Skus)
        {
            foreach (var field in await redis.HashGetAllAsync(keys.Stock(sku))) stored.Add($"{sku} {field}");
            var due = await redis.SortedSetRangeByRankAsync(keys.DueOf(sku));
            stored.AddRange(due.Select(id => $"due {sku} {id}"));
        }

        stored.AddRange((await redis.SortedSetRangeByRankAsync(keys.Due)).Select(sku => $"due {sku}"));
        await foreach (var key in shop.Redis.GetServers()[0].KeysAsync(pattern: "{inv:0}:units:*"))
        {
            foreach (var entry in await redis.HashGetAllAsync(key)) stored.Add($"{key} {entry}");
        }

        stored.Sort(StringComparer.Ordinal);
        foreach (var e in await redis.StreamRangeAsync(keys.Events))
        {
            stored.Add($"{e["type"]} {e["reservation"]} {e["sequence"]} {e["holder"]} {e["lines"]}");
        }

        return stored;
    }
}
