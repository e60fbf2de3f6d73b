using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>Redis loses its data or is killed during a sale: no unit is sold twice, no stored hold lost.</summary>
[Collection(nameof(Stack))]
public sealed class RedisLossTests(Stack stack)
{
    private const int Total = 400;

    [Fact]
    public async Task After_a_flush_nothing_is_sold_until_every_stored_hold_is_back_and_no_unit_is_sold_twice()
    {
        var sku = await stack.SkuAsync(Total);
        await using var crowd = new Crowd(stack, sku);
        await crowd.UntilHeldAsync(50);
        var before = crowd.Held;
        await Eventually.TrueAsync(async () => await StoredAsync(sku) >= before.Count);
        // Without the worker there is no rebuild, so this test decides when it begins.
        await stack.SignalAsync("reconciliation-worker", "STOP");
        try
        {
            await stack.RedisAsync("FLUSHALL");

            var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => crowd.HoldAsync()));

            Assert.All(answers, status => Assert.Equal(HttpStatusCode.Accepted, status));
        }
        finally
        {
            await stack.SignalAsync("reconciliation-worker", "CONT");
        }

        await crowd.UntilSoldOutAsync();
        // Holds that had been stored are back with the same deadline; others may be too.
        foreach (var (id, deadline) in before) Assert.Equal(("pending", deadline), await FindAsync(id));
        await AssertSoldOutAsync(sku);
        await stack.DecidingAsync();
    }

    [Fact]
    public async Task Redis_killed_under_load_has_all_acknowledged_holds_after_its_restart()
    {
        var sku = await stack.SkuAsync(Total);
        await using var crowd = new Crowd(stack, sku);
        await crowd.UntilHeldAsync(100);
        // A killed process loses no acknowledged write; only a crash of the machine may.
        stack.Kill("redis");
        await crowd.UntilRefusedAsync();

        await crowd.UntilSoldOutAsync();

        Assert.All(crowd.Held, held => Assert.NotEqual(default, held.Value));
        foreach (var (id, deadline) in crowd.Held) Assert.Equal(("pending", deadline), await FindAsync(id));
        await AssertSoldOutAsync(sku);
        await stack.DecidingAsync();
    }

    [Theory]
    [InlineData("events")]
    [InlineData("due")]
    [InlineData("leases")]
    [InlineData("fences")]
    [InlineData("heartbeat")]
    [InlineData("epoch")]
    public async Task A_shared_key_of_another_type_ends_no_process_and_sales_go_on_by_themselves(string key)
    {
        var sku = await stack.SkuAsync(Total);
        await using var crowd = new Crowd(stack, sku);
        await crowd.UntilHeldAsync(50);
        using var stream = await stack.Gateway.GetStreamAsync(new Uri($"/api/stock/{sku}/stream", UriKind.Relative));
        var processes = Processes();

        await stack.RedisAsync($"EVAL \"redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'of', 'another type') "
            + $"return redis.status_reply('OK')\" 1 {{inv:0}}:{key}");

        await crowd.UntilSoldOutAsync();
        foreach (var (id, deadline) in crowd.Held) Assert.Equal(("pending", deadline), await FindAsync(id));
        Assert.Equal(Total, (int?)(await stack.SnapshotAsync(sku))["reserved"]);
        // PostgreSQL may not have every hold: a call may have failed half-way, and events may be gone with their key.
        await stack.DecidingAsync();
        Assert.Equal(processes, Processes());
    }

    private int[] Processes() =>
    [
        .. new[] { "gateway", "reservation-api", "expiration-worker", "materializer", "reconciliation-worker" }
            .SelectMany(stack.ProcessIds).Order(),
    ];

    /// <summary>Checks that both stores agree and every unit is held once.</summary>
    private async Task AssertSoldOutAsync(string sku)
    {
        Assert.Equal(Total, (int?)(await stack.SnapshotAsync(sku))["reserved"]);
        await Eventually.TrueAsync(async () => await StoredAsync(sku) >= Total);
        Assert.Equal(Total, await StoredAsync(sku));
    }

    private Task<long> StoredAsync(string sku) => stack.ReadAsync<long>(
        $$"""
        SELECT coalesce(sum((line->>'quantity')::int), 0)::bigint
        FROM reservations, jsonb_array_elements(lines) line
        WHERE status = 'pending' AND line->>'sku' = '{{sku}}'
        """);

    private async Task<(string? Status, string? Deadline)> FindAsync(string id)
    {
        JsonNode found = null!;
        await Eventually.TrueAsync(async () =>
        {
            using var response = await stack.Gateway.GetAsync(new Uri($"/api/reservations/{id}", UriKind.Relative));
            found = (await response.Content.ReadFromJsonAsync<JsonNode>())!;
            // The API may verify Redis once more; until then it answers 503.
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable) return false;
            Assert.True(response.IsSuccessStatusCode, found.ToJsonString());
            return true;
        });
        return ((string?)found["status"], (string?)found["expiresAt"]);
    }

    /// <summary>Shoppers who reserve one unit of a SKU each, until it is sold out.</summary>
    private sealed class Crowd : IAsyncDisposable
    {
        private readonly Stack stack;
        private readonly string sku;
        private readonly ConcurrentDictionary<string, string> held = new();
        private readonly CancellationTokenSource leaving = new();
        private readonly Task shopping;
        private int shoppers;
        private int refused;
        private int soldOut;

        public Crowd(Stack stack, string sku)
        {
            (this.stack, this.sku) = (stack, sku);
            shopping = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(ShopAsync)));
        }

        /// <summary>Ids and deadlines of the acknowledged holds so far.</summary>
        public IReadOnlyDictionary<string, string> Held => new Dictionary<string, string>(held);

        public Task UntilHeldAsync(int count) => UntilAsync(() => held.Count >= count);

        public Task UntilRefusedAsync() => UntilAsync(() => Volatile.Read(ref refused) > 0);

        public async Task UntilSoldOutAsync()
        {
            await UntilAsync(() => Volatile.Read(ref soldOut) > 0);
            await DisposeAsync();
        }

        public async Task<HttpStatusCode> HoldAsync()
        {
            using var response = await stack.PostAsync("/api/reservations", new
            {
                productId = sku,
                userId = $"{sku}-{Interlocked.Increment(ref shoppers)}",
                quantity = 1,
            });
            var answer = await response.Content.ReadFromJsonAsync<JsonNode>();
            switch (response.StatusCode)
            {
                case HttpStatusCode.Created:
                    held[(string)answer!["reservationId"]!] = (string)answer["expiresAt"]!;
                    break;
                // A ticket, or a refusal because the outage isn't known yet.
                case HttpStatusCode.Accepted or HttpStatusCode.ServiceUnavailable:
                    Assert.NotNull(response.Headers.RetryAfter);
                    Interlocked.Increment(ref refused);
                    break;
                case HttpStatusCode.Conflict when (string?)answer!["type"] == "/problems/insufficient-stock":
                    Interlocked.Increment(ref soldOut);
                    break;
                default:
                    stack.Fail($"{response.StatusCode} {answer}");
                    break;
            }

            return response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            await leaving.CancelAsync();
            await shopping;
        }

        private async Task ShopAsync()
        {
            while (!leaving.IsCancellationRequested) await HoldAsync();
        }

        /// <summary>Waits for a condition; fails early when a shopper got an unexpected answer.</summary>
        private Task UntilAsync(Func<bool> happened) => Eventually.TrueAsync(async () =>
        {
            if (shopping.IsFaulted) await shopping;
            return happened();
        });
    }
}
