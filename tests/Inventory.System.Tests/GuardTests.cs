using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>The guard asks shoppers for a proof of work while a SKU sells too fast.</summary>
[Collection(nameof(Stack))]
public sealed class GuardTests(Stack stack) : IDisposable
{
    // The key of a Development run.
    private const string Admin = "inv_demo_admin_5f1c0e7a9b3d4826a1c7e0f2b4d69853";

    private readonly HttpClient browser = new(new SocketsHttpHandler { UseCookies = false })
    {
        BaseAddress = stack.Gateway.BaseAddress,
    };

    public void Dispose() => browser.Dispose();

    [Fact]
    public async Task After_a_hundred_units_in_a_second_the_guard_asks_for_a_proof_of_work_until_sales_are_slow()
    {
        var sku = await stack.SkuAsync(100_000);
        // A busy machine may take longer for the first hundred.
        await Eventually.TrueAsync(async () =>
        {
            await SellAsync(sku, 100);
            return await ReserveAsync(await CookieAsync(), sku) is (403, _);
        });
        Assert.Equal(["tightened"], await EventsAsync(sku));
        var before = await ReservedAsync(sku);
        var cookie = await CookieAsync();

        var refused = await ReserveAsync(cookie, sku);
        AssertRefused("missing", refused);
        var puzzle = Puzzle.Of(refused.Answer["challenge"]!.ToJsonString());
        AssertRefused("expired", await ReserveAsync(cookie, sku, (await OlderAsync(puzzle)).Solve()));
        Assert.Equal(before, await ReservedAsync(sku));
        var solution = puzzle.Solve();
        Assert.Equal(201, (await ReserveAsync(cookie, sku, solution)).Status);
        AssertRefused("reused", await ReserveAsync(cookie, sku, solution));
        Assert.Equal(before + 1, await ReservedAsync(sku));

        // Simulates time: the units taken leave the window, and the minute after that ends.
        await stack.AskRedisAsync($"DEL {{gateway}}:guard:taken:sku:{sku}");
        await stack.RedisAsync($"HSET {{gateway}}:guard:tightened sku:{sku} \"1 2 100\"", expect: ":0");

        await Eventually.TrueAsync(async () => await ReserveAsync(await CookieAsync(), sku) is (201, _));
        Assert.Equal(["relaxed", "tightened"], await EventsAsync(sku));
    }

    private Task SellAsync(string sku, int units) => Task.WhenAll(Enumerable.Range(0, units).Select(async _ =>
    {
        using var sold = await stack.PostAsync("/reserve", new { sku, qty = 1, cart_id = $"{Guid.NewGuid()}" });
        Assert.Equal(201, (int)sold.StatusCode);
    }));

    private static void AssertRefused(string reason, (int Status, JsonNode Answer) refused) => Assert.Equal(
        (403, "/problems/proof-of-work-required", reason),
        (refused.Status, (string?)refused.Answer["type"], (string?)refused.Answer["reason"]));

    /// <summary>The session cookie of a new shopper.</summary>
    private async Task<string> CookieAsync()
    {
        using var answer = await browser.GetAsync(new Uri("/api/session", UriKind.Relative));
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private async Task<(int Status, JsonNode Answer)> ReserveAsync(string cookie, string sku, string? solution = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/reservations")
        {
            Content = JsonContent.Create(new { items = new[] { new { sku, quantity = 1 } } }),
            Headers = { { "Cookie", cookie } },
        };
        if (solution is not null) request.Headers.Add("X-Proof-Of-Work", solution);
        using var answer = await browser.SendAsync(request);
        return ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    private async Task<int> ReservedAsync(string sku) => (int)(await stack.SnapshotAsync(sku))["reserved"]!;

    /// <summary>The guard's recent events of a SKU, the latest first.</summary>
    private async Task<string[]> EventsAsync(string sku)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/operations/guard")
        {
            Headers = { { "X-Api-Key", Admin } },
        };
        using var answer = await browser.SendAsync(request);
        var guard = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        return
        [
            .. guard["recent"]!.AsArray().Where(one => (string?)one!["name"] == sku)
                .Select(one => (string)one!["event"]!),
        ];
    }

    /// <summary>The same shopper's challenge from long ago, signed as a gateway signs.</summary>
    private async Task<Puzzle> OlderAsync(Puzzle puzzle)
    {
        var key = Encoding.Latin1.GetBytes(await stack.AskRedisAsync("GET {gateway}:challenge-key"));
        var salt = Regex.Replace(puzzle.Salt, "expires=[0-9]+", "expires=1");
        var hash = Puzzle.Hash(salt, 7);
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(hash)));
        return puzzle with { Salt = salt, Challenge = hash, Signature = signature };
    }
}
