using System.Collections.Concurrent;
using System.Net.Http.Json;
using Inventory.Contracts;
using Inventory.Testing;

namespace Inventory.Crash.Tests;

/// <summary>Instances that are stopped one after the other under load lose no request.</summary>
[Collection(nameof(Site))]
public sealed class RollingRestartTests(Site site)
{
    private const int Buyers = 8;

    private readonly ConcurrentDictionary<int, int> answers = new();
    private int answered;

    [Fact]
    public async Task Replicas_stop_one_after_the_other_and_no_request_is_lost()
    {
        var sku = await site.SkuAsync(1_000_000);
        await using var one = await site.StartReplicaAsync();
        await using var two = await site.StartReplicaAsync();
        await using var gateway = await site.StartGatewayAsync(one, two);
        using var sale = new CancellationTokenSource();
        var buyers = Enumerable.Range(0, Buyers).Select(_ => BuyAsync(gateway.Http, sku, sale.Token)).ToArray();
        await SoldAsync(100, buyers);

        await one.TerminateAsync();
        await SoldAsync(100, buyers);
        await using var again = await site.StartReplicaAsync(one.Http.BaseAddress);
        await two.TerminateAsync();
        await SoldAsync(100, buyers);
        await sale.CancelAsync();
        await Task.WhenAll(buyers);

        // No call was repeated either, since these calls have no Idempotency-Key.
        Assert.Equal([200, 201], answers.Keys.Order());
        Assert.Equal(answers[201], (await site.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_stopping_gateway_reports_it_first_serves_on_and_ends_its_streams()
    {
        var sku = await site.SkuAsync(10);
        await using var replica = await site.StartReplicaAsync();
        await using var gateway = await site.StartGatewayAsync(replica);
        using var reader = await ListenAsync(gateway, sku);
        Assert.Equal(200, await StatusAsync(gateway, "/ready"));

        var stopping = gateway.TerminateAsync();
        await Eventually.EqualAsync(503, () => StatusAsync(gateway, "/ready"), site);
        Assert.Equal(503, await StatusAsync(gateway, "/health"));
        using var served = await gateway.Http.GetAsync(new Uri($"/api/stock/{sku}", UriKind.Relative));
        Assert.Equal((200, true), ((int)served.StatusCode, served.Headers.ConnectionClose));

        // The stream ends; the connection doesn't break.
        await reader.ReadToEndAsync();
        await stopping;
    }

    [Fact]
    public async Task A_stopping_replica_tells_its_listeners_to_reconnect()
    {
        var sku = await site.SkuAsync(10);
        await using var replica = await site.StartReplicaAsync();
        await using var gateway = await site.StartGatewayAsync(replica);
        using var reader = await ListenAsync(gateway, sku);

        var stopping = replica.TerminateAsync();
        Assert.EndsWith(
            ": this instance stops, reconnect\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        await stopping;
    }

    private static async Task<StreamReader> ListenAsync(ServiceProcess gateway, string sku)
    {
        var stream = await gateway.Http.GetStreamAsync(new Uri($"/api/stock/{sku}/stream", UriKind.Relative));
        var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == "event: stock") break;
        }

        return reader;
    }

    private static async Task<int> StatusAsync(ServiceProcess gateway, string path)
    {
        using var response = await gateway.Http.GetAsync(new Uri(path, UriKind.Relative));
        return (int)response.StatusCode;
    }

    private async Task BuyAsync(HttpClient gateway, string sku, CancellationToken end)
    {
        for (var turn = 0; !end.IsCancellationRequested; turn++)
        {
            using var request = turn % 2 == 0
                ? new HttpRequestMessage(HttpMethod.Get, $"/api/stock/{sku}")
                : new HttpRequestMessage(HttpMethod.Post, "/api/reservations")
                {
                    Content = JsonContent.Create(new { productId = sku, userId = $"{Guid.NewGuid():N}", quantity = 1 }),
                };
            request.Headers.Add(InventoryHeaders.ApiKey, Site.Key);
            using var response = await gateway.SendAsync(request, CancellationToken.None);
            answers.AddOrUpdate((int)response.StatusCode, 1, (_, count) => count + 1);
            Interlocked.Increment(ref answered);
        }
    }

    /// <summary>Waits for this number of further answers.</summary>
    private async Task SoldAsync(int more, Task[] buyers)
    {
        var until = Volatile.Read(ref answered) + more;
        await Eventually.TrueAsync(() =>
            Volatile.Read(ref answered) >= until || buyers.Any(buyer => buyer.IsFaulted), site);
    }
}
