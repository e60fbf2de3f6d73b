extern alias materializer;

using Inventory.Stock;
using Inventory.Testing;
using materializer::Inventory.Materializer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Operations;

/// <summary>Dead letters as operators see them.</summary>
public sealed class DeadLetterTests(Shop shop) : IClassFixture<Shop>
{
    private const string Path = "/api/operations/dead-letters";

    [Fact]
    public async Task A_poisoned_event_becomes_a_dead_letter_while_others_are_stored_and_can_be_replayed_later()
    {
        await shop.ExecuteAsync(
            "ALTER TABLE reservation_events ADD CONSTRAINT unloved CHECK (holder NOT LIKE '%poison%')");
        var sku = await shop.Api.NewSkuAsync(100);
        var poisoned = new List<Guid>();
        for (var i = 0; i < 3; i++) poisoned.Add(await ReserveAsync(sku, Api.Fresh("poison")));
        var good = await ReserveAsync(sku, Api.Fresh("user"));
        await using var materializer = await StartMaterializerAsync();

        await Eventually.EqualAsync(1, () => StoredAsync(good));
        var first = await shop.SendAsync("GET", $"{Path}?limit=2");
        Assert.Equal(200, first.Status);
        var ids = Ids(first);
        var next = first.Json.GetProperty("nextAfter").GetInt64();
        ids.AddRange(Ids(await shop.SendAsync("GET", $"{Path}?state=open&limit=2&after={next}")));
        Assert.Equal(3, ids.Distinct().Count());
        Assert.Equal(0, await StoredAsync(poisoned[0]));

        var one = $"{Path}/{ids[0]}";
        var refused = await shop.SendAsync("POST", one + "/replay");
        refused.AssertProblem(409, "still-not-storable");
        Assert.Contains("unloved", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var shown = (await shop.SendAsync("GET", one)).Json;
        Assert.Equal("open", shown.GetProperty("state").GetString());
        Assert.Equal(2, shown.GetProperty("attempts").GetInt32());
        Assert.Equal("reserved", shown.GetProperty("payload").GetProperty("type").GetString());
        var failing = (await shop.SendAsync("POST", Path + "/replay?limit=2")).Json;
        Assert.Equal(
            (0, 2, ids[1]),
            (failing.GetProperty("replayed").GetInt32(), failing.GetProperty("failing").GetInt32(),
                failing.GetProperty("nextAfter").GetInt64()));

        await shop.ExecuteAsync("ALTER TABLE reservation_events DROP CONSTRAINT unloved");
        for (var repetition = 0; repetition < 2; repetition++)
        {
            var replayed = await shop.SendAsync("POST", one + "/replay");
            Assert.Equal(200, replayed.Status);
            Assert.Equal("resolved", replayed.Json.GetProperty("state").GetString());
        }

        var rest = (await shop.SendAsync("POST", Path + "/replay")).Json;
        Assert.Equal(
            (2, 0, false),
            (rest.GetProperty("replayed").GetInt32(), rest.GetProperty("failing").GetInt32(),
                rest.TryGetProperty("nextAfter", out _)));
        foreach (var id in poisoned) Assert.Equal(1, await StoredAsync(id));
        Assert.Empty(Ids(await shop.SendAsync("GET", Path)));
        Assert.Equal(ids, Ids(await shop.SendAsync("GET", Path + "?state=resolved")));
        Assert.Equal(ids, Ids(await shop.SendAsync("GET", Path + "?state=all")));
    }

    [Theory]
    [InlineData("GET", "?state=closed", "state")]
    [InlineData("GET", "?limit=0", "limit")]
    [InlineData("GET", "?limit=201", "limit")]
    [InlineData("GET", "?after=-1", "after")]
    [InlineData("POST", "/replay?limit=many", "limit")]
    [InlineData("POST", "/replay?after=1&after=2", "after")]
    public async Task A_query_that_breaks_its_rule_is_refused(string method, string query, string field)
    {
        var answer = await shop.SendAsync(method, Path + query);
        answer.AssertProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Theory]
    [InlineData("GET", "/999999")]
    [InlineData("GET", "/none")]
    [InlineData("POST", "/999999/replay")]
    [InlineData("POST", "/99999999999999999999/replay")]
    public async Task An_unknown_dead_letter_is_not_found(string method, string path) =>
        (await shop.SendAsync(method, Path + path)).AssertProblem(404, "dead-letter-not-found");

    private async Task<Guid> ReserveAsync(string sku, string customer)
    {
        var answer = await shop.SendAsync("POST", "/api/reservations", Api.OneLine(sku, customer, 1));
        Assert.Equal(201, answer.Status);
        return answer.Json.GetProperty("reservationId").GetGuid();
    }

    private Task<long> StoredAsync(Guid reservation) => shop.ReadAsync<long>(
        $"SELECT count(*) FROM reservation_events WHERE reservation_id = '{reservation}'");

    private static List<long> Ids(Answer answer) =>
        [.. answer.Json.GetProperty("deadLetters").EnumerateArray().Select(one => one.GetProperty("id").GetInt64())];

    private async Task<ServiceProvider> StartMaterializerAsync()
    {
        var services = new ServiceCollection()
            .AddLogging().AddMetrics()
            .AddSingleton<IConnectionMultiplexer>(
                await ConnectionMultiplexer.ConnectAsync(shop.Api.Redis.ConnectionString))
            .AddSingleton(shop.Ledger)
            .AddSingleton(Options.Create(new StockOptions()))
            .AddSingleton(Options.Create(new MaterializerOptions()))
            .AddSingleton(TimeProvider.System)
            .AddSingleton<StockStores>()
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Events)
            .AddSingleton<MaterializerMetrics>().AddSingleton<Outage>()
            .AddSingleton<BatchWriter>().AddSingleton<StreamMaterializer>()
            .BuildServiceProvider();
        await services.GetRequiredService<StreamMaterializer>().StartAsync(CancellationToken.None);
        return services;
    }
}
