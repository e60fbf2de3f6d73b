using Inventory.Contracts;
using Inventory.ReservationApi.Availability;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Availability;

/// <summary>Stock streams show stock as it changes.</summary>
public sealed class StockStreamTests : IAsyncLifetime
{
    // A long refresh interval, so that a periodic read can't hide a missed event.
    private readonly Api api = new(new()
    {
        ["LiveStock:RefreshInterval"] = "01:00:00",
        ["LiveStock:UpdatesPerSecond"] = "20",
        ["LiveStock:Linger"] = "00:00:00",
        ["LiveStock:MaxListeners"] = "3",
    });

    public Task InitializeAsync() => api.InitializeAsync();

    public Task DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task A_listener_gets_the_current_state_and_then_each_change_of_its_SKU()
    {
        var sku = await api.NewSkuAsync(10);
        var other = await api.NewSkuAsync(10);
        await api.HoldAsync(sku, 1);
        using var stream = await StockStream.OpenAsync(api.Http, sku);

        var first = await stream.NextAsync();
        Assert.Equal(("stock", 9, sku), (first!.Type, first.Available, first.Data.GetProperty("sku").GetString()));
        Assert.InRange(stream.Retry!.Value, 1_000, 3_000);
        var caching = stream.Response.Headers.CacheControl!;
        Assert.True(caching.NoCache && caching.NoStore);

        await api.HoldAsync(other, 3);
        var held = await api.HoldAsync(sku, 2);
        Assert.Equal(7, (await stream.NextAsync())!.Available);
        await api.SendAsync("DELETE", $"/api/reservations/{held}");
        Assert.Equal(9, (await stream.NextAsync())!.Available);
        await api.Engine.Levels.SetStockAsync(new StockLevel(sku, 20, 2, null, Paused: true));
        var paused = await stream.NextAsync();
        Assert.Equal((19, true), (paused!.Available, paused.Data.GetProperty("paused").GetBoolean()));
    }

    [Fact]
    public async Task A_listener_that_reconnects_gets_only_what_it_has_not_seen()
    {
        var sku = await api.NewSkuAsync(10);
        StockEventSeen? seen;
        using (var stream = await StockStream.OpenAsync(api.Http, sku)) seen = await stream.NextAsync();

        using (var again = await StockStream.OpenAsync(api.Http, sku, seen!.Id))
        {
            var next = again.NextAsync();
            await api.HoldAsync(sku, 4);
            Assert.Equal(6, (await next)!.Available);
        }

        using var late = await StockStream.OpenAsync(api.Http, sku, seen.Id);
        Assert.Equal(6, (await late.NextAsync())!.Available);
    }

    [Theory]
    [InlineData("/api/stock/no-such-sku/stream", 404, "unknown-sku")]
    [InlineData("/api/stock/no%20/stream", 400, "validation")]
    public async Task A_stream_of_an_unknown_SKU_is_refused(string path, int status, string slug)
    {
        (await api.SendAsync("GET", path)).AssertProblem(status, slug);
        Assert.Equal((0, 0), Live.Load);
    }

    [Fact]
    public async Task Too_many_listeners_are_refused_and_a_free_place_can_be_taken()
    {
        var sku = await api.NewSkuAsync(10);
        var places = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StockStream.OpenAsync(api.Http, sku)));
        var refused = await api.SendAsync("GET", $"/api/stock/{sku}/stream");
        refused.AssertProblem(503, "too-many-listeners");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal(200, (await api.SendAsync("GET", $"/api/stock/{sku}")).Status);

        foreach (var place in places) place.Dispose();
        await Eventually.TrueAsync(() => Live.Load == (0, 0));
        using var taken = await StockStream.OpenAsync(api.Http, sku);
        Assert.Equal(10, (await taken.NextAsync())!.Available);
    }

    [Fact]
    public async Task Events_are_read_only_while_there_are_listeners()
    {
        Assert.False(Live.IsFollowing);
        var sku = await api.NewSkuAsync(10);
        using (var stream = await StockStream.OpenAsync(api.Http, sku))
        {
            await stream.NextAsync();
            await Eventually.TrueAsync(() => Live.IsFollowing);
        }

        await Eventually.TrueAsync(() => !Live.IsFollowing);
        await api.HoldAsync(sku, 1);
        using var later = await StockStream.OpenAsync(api.Http, sku);
        Assert.Equal(9, (await later.NextAsync())!.Available);
        await api.HoldAsync(sku, 1);
        Assert.Equal(8, (await later.NextAsync())!.Available);
    }

    [Fact]
    public async Task A_trimmed_stream_hides_no_change()
    {
        var sku = await api.NewSkuAsync(10);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        await stream.NextAsync();
        await api.HoldAsync(sku, 1);
        await stream.UntilAsync(seen => seen.Available == 9);

        // The change and the removal of its event are atomic, so no reader can have seen the event.
        var transaction = Database.CreateTransaction();
        _ = transaction.HashIncrementAsync($"{{inv:0}}:stock:{sku}", "reserved", 5);
        _ = transaction.StreamAddAsync("{inv:0}:events", "type", "corrupt");
        _ = transaction.StreamTrimAsync("{inv:0}:events", 0);
        Assert.True(await transaction.ExecuteAsync());

        Assert.Equal(4, (await stream.NextAsync())!.Available);
    }

    [Fact]
    public async Task More_events_than_are_read_at_once_hide_no_change()
    {
        var sku = await api.NewSkuAsync(10_000);
        var busy = await api.NewSkuAsync(1_000_000);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        await stream.NextAsync();
        for (var i = 0; i < 12; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => HoldAsync(busy)));
            await HoldAsync(sku);
        }

        await stream.UntilAsync(seen => seen.Available == 9_988);
    }

    private LiveStock Live => api.Services.GetRequiredService<LiveStock>();

    private IDatabase Database => api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();

    private async Task HoldAsync(string sku)
    {
        var held = await api.Engine.Holds.ReserveAsync(new ReserveRequest
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer(Guid.NewGuid().ToString("N")),
            Lines = [new(sku, 1)],
            HoldFor = TimeSpan.FromMinutes(5),
        });
        Assert.Equal(ReserveOutcome.Held, held.Outcome);
    }
}
