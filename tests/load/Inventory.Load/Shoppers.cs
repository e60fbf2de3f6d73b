using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Identity;
using Inventory.Load.Stack;

namespace Inventory.Load;

/// <summary>
/// Simulated shoppers: each reserves a unit, waits, and then confirms, releases or abandons it. A steady, low load to
/// watch in a dashboard; the bench measures capacity.
/// </summary>
internal static class Shoppers
{
    private static readonly TimeSpan Thought = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs the shoppers until cancelled.</summary>
    /// <param name="shop">The product.</param>
    /// <param name="count">Concurrent shoppers.</param>
    /// <param name="stop">Cancels the run.</param>
    public static async Task RunAsync(Shop shop, int count, CancellationToken stop)
    {
        using var client = new HttpClient { BaseAddress = shop.Gateway };
        client.DefaultRequestHeaders.Add(InventoryHeaders.ApiKey, DemoKeys.Backend);
        var sku = await shop.CreateOwnAsync();
        Console.WriteLine($"{count} shoppers at once buy {sku} through {shop.Gateway}");
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => ShopAsync(client, sku, stop)));
    }

    private static async Task ShopAsync(HttpClient client, string sku, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var body = new { productId = sku, userId = Guid.NewGuid(), quantity = 1, ttlSeconds = 30 };
                using var held = await client.PostAsJsonAsync(Relative(""), body, stop);
                await Task.Delay(Thought * Random.Shared.NextDouble() * 2, stop);
                if (!held.IsSuccessStatusCode) continue;
                var answer = await held.Content.ReadFromJsonAsync<JsonNode>(stop);
                // A ticket of the waiting queue has no reservation yet.
                if ((string?)answer!["reservationId"] is not { } id) continue;
                using var end = Random.Shared.Next(10) switch
                {
                    < 6 => await client.PostAsync(Relative($"/{id}/confirm"), null, stop),
                    < 8 => await client.DeleteAsync(Relative($"/{id}"), stop),
                    _ => null,
                };
            }
            catch (HttpRequestException)
            {
                // The gateway is unavailable for a moment; the shopper retries later.
                await Task.Delay(Thought, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static Uri Relative(string path) => new($"/api/reservations{path}", UriKind.Relative);
}
