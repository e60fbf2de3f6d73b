using Inventory.ReservationApi.Queue;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>A shop with its waiting queue, and with a Redis that can fail and restart.</summary>
internal sealed class Waiting(params (string Name, string Value)[] settings) : IAsyncDisposable
{
    private readonly Shop shop = new(new[]
    {
        ("StockCircuit:CallTimeout", "00:00:00.300"), ("StockCircuit:BreakTime", "00:00:00.500"),
    }.Concat(settings).ToDictionary(setting => setting.Item1, setting => setting.Item2));

    private WebApplicationFactory<Program>? second;

    public Shop Shop => shop;

    public Api Api => shop.Api;

    public static async Task<Waiting> StartAsync(params (string Name, string Value)[] settings)
    {
        var waiting = new Waiting(settings);
        await waiting.shop.InitializeAsync();
        return waiting;
    }

    /// <summary>A second instance over the same stores.</summary>
    public HttpClient StartSecond()
    {
        second = Api.Host(new Dictionary<string, string>
        {
            ["ConnectionStrings:redis"] = Api.Redis.ConnectionString,
            ["ConnectionStrings:ledger"] = shop.LedgerAddress,
            ["StockCircuit:BreakTime"] = "00:00:00.500",
        });
        return second.CreateClient();
    }

    public Task<Answer> ReserveAsync(string sku, string? user = null, string? key = null) =>
        Api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, user ?? Api.Fresh("user"), 1), key);

    /// <summary>Reserves, and gets a ticket.</summary>
    public async Task<string> QueueAsync(string sku, string? user = null, string? key = null)
    {
        var answer = await ReserveAsync(sku, user, key);
        Assert.Equal(202, answer.Status);
        return answer.Json.GetProperty("ticket").GetString()!;
    }

    public async Task<string> StatusAsync(string ticket) =>
        (await Api.SendAsync("GET", $"/api/queue/{ticket}")).Json.GetProperty("status").GetString()!;

    /// <summary>Kills Redis, and waits until this API has opened its circuit.</summary>
    public async Task KillAsync(string sku)
    {
        await Api.Redis.KillAsync();
        await Eventually.TrueAsync(async () =>
        {
            await Api.SendAsync("GET", $"/api/stock/{sku}");
            return Circuit.IsOpen;
        });
    }

    /// <summary>Restarts Redis, and lifts the fence as the reconciliation worker does.</summary>
    public async Task RestartAsync()
    {
        await Api.Redis.RestartAsync();
        await LiftAsync();
    }

    public Task LiftAsync() => Eventually.TrueAsync(
        async () => await Api.Engine.Maintenance.LiftFenceAsync() || !await Api.Engine.Maintenance.IsFencedAsync(),
        isTransient: Api.IsReconnecting);

    public StockCircuit Circuit => Api.Services.GetRequiredService<StockCircuit>();

    /// <summary>Waits until the queue is empty and no hold remains to be released for a cancelled ticket.</summary>
    public Task DrainedAsync() => Eventually.TrueAsync(async () =>
        await shop.ReadAsync<int>("SELECT waiting FROM waiting_queue_load") == 0
        && await shop.ReadAsync<long>("SELECT count(*) FROM waiting_queue WHERE unsure AND state > 2") == 0);

    public async Task<int> ReservedAsync(string sku)
    {
        var snapshot = await Eventually.GetAsync(
            () => Api.Engine.Levels.SnapshotAsync(sku), _ => true, isTransient: Api.IsReconnecting);
        return snapshot.Reserved;
    }

    public async ValueTask DisposeAsync()
    {
        if (second is not null) await second.DisposeAsync();
        await shop.DisposeAsync();
    }
}
