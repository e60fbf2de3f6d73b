using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>A process that is killed is restarted, and one that a person stopped stays down.</summary>
[Collection(nameof(Stack))]
public sealed class RestartTests(Stack stack)
{
    public static TheoryData<string> Processes =>
    [
        "reservation-api", "gateway", "materializer", "expiration-worker", "reconciliation-worker", "postgres", "redis",
    ];

    [Theory]
    [MemberData(nameof(Processes))]
    public async Task A_killed_process_is_restarted_and_acknowledged_holds_are_kept(string resource)
    {
        var sku = await stack.SkuAsync(1_000);
        var before = stack.ProcessIds(resource);
        var held = new List<string>();
        var killed = false;
        await Eventually.TrueAsync(async () =>
        {
            if (await TryHoldAsync(sku) is { } id) held.Add(id);
            if (held.Count < 5) return false;
            if (!killed)
            {
                foreach (var pid in before) Process.GetProcessById(pid).Kill();
                killed = true;
            }

            var now = stack.ProcessIds(resource);
            return now.Count == before.Count && !now.Intersect(before).Any() && held.Count >= 10;
        });

        await stack.LedgerAnsweringAsync();
        foreach (var id in held)
        {
            await Eventually.EqualAsync("pending", () => StatusAsync(id));
        }

        await stack.DecidingAsync();
    }

    [Fact]
    public async Task A_service_that_a_person_stopped_stays_down_until_started()
    {
        await stack.StopAsync("expiration-worker");
        await Eventually.EqualAsync(0, () => stack.ProcessIds("expiration-worker").Count);
        // A restart would have happened after half a second.
        var old = stack.ProcessIds("materializer")[0];
        stack.Kill("materializer");
        await Eventually.TrueAsync(() => stack.ProcessIds("materializer") is [var now] && now != old);

        Assert.Empty(stack.ProcessIds("expiration-worker"));
        await stack.StartAsync("expiration-worker");
        await Eventually.EqualAsync(1, () => stack.ProcessIds("expiration-worker").Count);
    }

    /// <returns>The reservation; null when the call did not hold it.</returns>
    private async Task<string?> TryHoldAsync(string sku)
    {
        try
        {
            using var response = await stack.PostAsync(
                "/api/reservations", new { productId = sku, userId = Guid.NewGuid(), quantity = 1 });
            if (response.StatusCode != HttpStatusCode.Created) return null;
            return (string?)(await response.Content.ReadFromJsonAsync<JsonNode>())!["reservationId"];
        }
        catch (HttpRequestException)
        {
            // The killed process was the gateway.
            return null;
        }
    }

    private async Task<string?> StatusAsync(string id)
    {
        using var response = await stack.Gateway.GetAsync(new Uri($"/api/reservations/{id}", UriKind.Relative));
        return response.IsSuccessStatusCode
            ? (string?)(await response.Content.ReadFromJsonAsync<JsonNode>())!["status"] : null;
    }
}
