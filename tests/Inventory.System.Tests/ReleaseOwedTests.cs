using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>Abandoned holds expire, and holds survive processes that are killed.</summary>
[Collection(nameof(Stack))]
public sealed class ReleaseOwedTests(Stack stack)
{
    [Fact]
    public async Task With_the_worker_a_hold_expires_and_not_early()
    {
        var sku = await stack.SkuAsync(5);
        var held = await HoldAsync(sku, "cart-1", seconds: 2);

        var expired = await EventAsync(sku, "expired");

        // By Redis' clock, which also makes the event's id.
        Assert.True(expired >= held, $"{expired - held} after the deadline.");
        Assert.Equal(0, (int)(await stack.SnapshotAsync(sku))["reserved"]!);
    }

    [Fact]
    public async Task Without_a_worker_the_next_reserve_call_expires_a_due_hold_and_not_early()
    {
        var sku = await stack.SkuAsync(1);
        await stack.SignalAsync("expiration-worker", "STOP");
        try
        {
            var deadline = await HoldAsync(sku, "cart-1", seconds: 2);
            HttpStatusCode status;
            do
            {
                using var response = await stack.PostAsync("/reserve", new { sku, qty = 1, cart_id = "cart-2" });
                status = response.StatusCode;
            }
            while (status == HttpStatusCode.Conflict);

            Assert.Equal(HttpStatusCode.Created, status);
            Assert.True(await EventAsync(sku, "expired") >= deadline);
        }
        finally
        {
            await stack.SignalAsync("expiration-worker", "CONT");
        }
    }

    [Fact]
    public async Task No_request_fails_when_a_replica_is_killed()
    {
        var sku = await stack.SkuAsync(1_000);
        var replicas = stack.ProcessIds("reservation-api");
        var answers = Enumerable.Range(0, 400).Select(async i =>
        {
            if (i == 100) global::System.Diagnostics.Process.GetProcessById(replicas[0]).Kill();
            using var response = await stack.Gateway.SendAsync(new(HttpMethod.Post, "/api/reservations")
            {
                Content = JsonContent.Create(new { productId = sku, userId = $"user-{i}", quantity = 1 }),
                Headers = { { "Idempotency-Key", $"{sku}-{i}" } },
            });
            return response.StatusCode;
        });

        Assert.All(await Task.WhenAll(answers), status => Assert.Equal(HttpStatusCode.Created, status));
        Assert.Equal(400, (int)(await stack.SnapshotAsync(sku))["reserved"]!);
        await Eventually.TrueAsync(() =>
            stack.ProcessIds("reservation-api") is { Count: 2 } now && !now.Contains(replicas[0]));
    }

    [Fact]
    public async Task Redis_has_all_holds_again_after_it_was_killed()
    {
        var sku = await stack.SkuAsync(10);
        await HoldAsync(sku, "cart-1", seconds: 600);
        // A killed process loses no acknowledged write; only a crash of the machine may, up to a second of them.
        stack.Kill("redis");

        await Eventually.EqualAsync(1, async () => (int?)(await stack.SnapshotAsync(sku))["reserved"]);

        // Each replica reconnects to Redis at its own time.
        await Eventually.TrueAsync(async () =>
        {
            using var another = await stack.PostAsync("/reserve", new { sku, qty = 9, cart_id = "cart-2" });
            Assert.Contains(another.StatusCode, new[]
            {
                // Held, a ticket, or refused because the outage isn't known yet.
                HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Accepted, HttpStatusCode.ServiceUnavailable,
            });
            return another.IsSuccessStatusCode;
        });
        await Eventually.EqualAsync(10, async () => (int?)(await stack.SnapshotAsync(sku))["reserved"]);
        await stack.DecidingAsync();
    }

    /// <returns>The deadline.</returns>
    private async Task<DateTimeOffset> HoldAsync(string sku, string cart, int seconds)
    {
        using var response = await stack.PostAsync(
            "/reserve", new { sku, qty = 1, cart_id = cart, ttl_seconds = seconds });
        var answer = await response.Content.ReadFromJsonAsync<JsonNode>();
        Assert.True(response.IsSuccessStatusCode, answer!.ToJsonString());
        return (DateTimeOffset)answer["expires_at"]!;
    }

    private async Task<DateTimeOffset> EventAsync(string sku, string type)
    {
        JsonNode? found = null;
        await Eventually.TrueAsync(async () =>
        {
            using var response = await stack.Gateway.GetAsync(new Uri("/events?limit=100", UriKind.Relative));
            var events = await response.Content.ReadFromJsonAsync<JsonNode>();
            found = events!["events"]!.AsArray().FirstOrDefault(each =>
                (string?)each!["type"] == type && each.ToJsonString().Contains(sku, StringComparison.Ordinal));
            return found is not null;
        });
        return (DateTimeOffset)found!["at"]!;
    }
}
