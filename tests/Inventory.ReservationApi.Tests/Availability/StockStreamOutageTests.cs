using Inventory.Contracts;
using Inventory.ReservationApi.Availability;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Inventory.ReservationApi.Tests.Availability;

/// <summary>A stream survives a Redis outage, sends heartbeats, and ends when its instance stops.</summary>
public sealed class StockStreamOutageTests : IAsyncLifetime
{
    private readonly Api api = new(new()
    {
        ["LiveStock:Heartbeat"] = "00:00:00.200",
        ["LiveStock:UpdatesPerSecond"] = "20",
        ["LiveStock:RefreshInterval"] = "00:00:01",
    });

    public Task InitializeAsync() => api.InitializeAsync();

    public Task DisposeAsync() => api.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_survives_a_Redis_outage_and_continues_with_the_current_state(bool freeze)
    {
        var sku = await api.NewSkuAsync(10);
        await api.HoldAsync(sku, 1);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        var first = await stream.NextAsync();
        if (freeze) api.Redis.Freeze();
        else await api.Redis.KillAsync();

        Assert.Equal("unavailable", (await stream.NextAsync())!.Type);
        var beats = stream.Heartbeats;
        Assert.Null(await stream.NextAsync(until: own => own.Heartbeats >= beats + 3));
        // A stream can be opened during the outage, because a browser would not retry after a refusal.
        using var opened = await StockStream.OpenAsync(api.Http, sku, first!.Id);
        Assert.Equal("unavailable", (await opened.NextAsync())!.Type);

        if (freeze)
        {
            api.Redis.Thaw();
        }
        else
        {
            await api.Redis.RestartAsync();
            await Eventually.TrueAsync(ServesAsync);
            await api.Engine.Maintenance.LiftFenceAsync();
        }
        foreach (var one in new[] { stream, opened })
        {
            var back = await one.NextAsync();
            Assert.Equal(("stock", 9, first.Id), (back!.Type, back.Available, back.Id));
        }
    }

    [Fact]
    public async Task The_stock_of_a_Redis_that_lost_its_data_is_not_shown_until_it_is_verified()
    {
        var sku = await api.NewSkuAsync(10);
        var gone = await api.NewSkuAsync(10);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        using var ending = await StockStream.OpenAsync(api.Http, gone);
        await stream.NextAsync();
        await ending.NextAsync();
        await api.Redis.KillAsync();
        api.Redis.LoseData();
        await api.Redis.RestartAsync();
        Assert.Equal("unavailable", (await stream.NextAsync())!.Type);
        Assert.Equal("unavailable", (await ending.NextAsync())!.Type);

        await Eventually.TrueAsync(ServesAsync);
        await api.Engine.Levels.SetStockAsync(new StockLevel(sku, 6, 2, null, Paused: false));
        await api.Engine.Maintenance.LiftFenceAsync();
        Assert.Equal(6, (await stream.NextAsync())!.Available);
        Assert.Equal("unknown-sku", (await ending.NextAsync())!.Type);
        Assert.Null(await ending.NextAsync());
    }

    [Fact]
    public async Task A_hold_that_is_due_shows_before_it_is_expired()
    {
        var sku = await api.NewSkuAsync(10);
        var id = await api.HoldAsync(sku, 4);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        Assert.Equal(6, (await stream.NextAsync())!.Available);

        await api.ExpireAsync(sku, id);

        Assert.Equal(10, (await stream.NextAsync())!.Available);
    }

    [Fact]
    public async Task A_stream_ends_cleanly_when_its_instance_stops()
    {
        var sku = await api.NewSkuAsync(10);
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        await stream.NextAsync();
        var live = api.Services.GetRequiredService<LiveStock>();

        api.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        // The stream ends cleanly, without a broken connection.
        Assert.Null(await stream.NextAsync());
        Assert.True(stream.HasFarewell);
        await Eventually.TrueAsync(() => live.Load == (0, 0));
    }

    private async Task<bool> ServesAsync()
    {
        try
        {
            return await api.Engine.Maintenance.IsFencedAsync();
        }
        catch (StoreException e) when (e.IsOutage)
        {
            return false;
        }
    }
}
