using System.Text;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>Two gateways with low guard limits, and shoppers.</summary>
public abstract class GuardedShop : TwoGateways
{
    protected const string Guard = "{gateway}:guard";

    protected override (string Key, string Value)[] Settings =>
    [
        ("Gateway:Guard:Units", "10"),
        ("Gateway:Guard:SessionUnits", "40"),
        ("Gateway:Guard:AddressUnits", "100"),
        ("Gateway:Guard:Duration", "01:00:00"),
        ("Gateway:Guard:MaxNumber", "500"),
        ("Gateway:Guard:LargestNumber", "5000"),
        ("Gateway:Guard:Interval", "00:00:00.050"),
        // Tests repeat requests until a condition is met, so the limit must be high.
        ("Gateway:RateLimits:Reserve:Session:Permits", "1000000"),
        ("Gateway:RateLimits:Reserve:Address:Permits", "1000000"),
    ];

    protected static string Body(string sku, int units = 1) =>
        $$"""{"sku":"{{sku}}","qty":{{units}},"cart_id":"cart"}""";

    /// <summary>Reserves as a shopper, or as a caller on this machine.</summary>
    protected static async Task<Answer> ReserveAsync(
        RunningGateway gateway, string? cookie, string body, string? solution = null, string path = "/reserve",
        string? from = Home)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (from is not null) request.Headers.Add("X-Forwarded-For", from);
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        if (solution is not null) request.Headers.Add("X-Proof-Of-Work", solution);
        return new Answer(await gateway.Client.SendAsync(request), default);
    }

    /// <summary>Takes units, as reported by the replica. Callers on this machine get no challenge.</summary>
    protected static async Task TakeAsync(
        RunningGateway gateway, string sku, int units, string? cookie = null, string? from = null)
    {
        var answer = await ReserveAsync(
            gateway, cookie, "{}", path: $"/reserve?taken={sku}={units}", from: from);
        Assert.Equal(200, answer.Status);
        // The gateway must remove this header, which the API sends to it only.
        Assert.Null(answer.Header("X-Inventory-Units-Taken"));
    }

    /// <summary>Sells a SKU so fast that both gateways tighten it.</summary>
    protected async Task TightenAsync(string sku)
    {
        await TakeAsync(One, sku, 10);
        await UntilRefusedAsync(One, await CookieAsync(), sku);
        await UntilRefusedAsync(Other, await CookieAsync(), sku);
    }

    protected static Task UntilRefusedAsync(RunningGateway gateway, string cookie, string sku, string from = Home) =>
        Eventually.EqualAsync(403, async () => (await ReserveAsync(gateway, cookie, Body(sku), from: from)).Status);

    protected static Task UntilAdmittedAsync(RunningGateway gateway, string cookie, string sku) =>
        Eventually.EqualAsync(200, async () => (await ReserveAsync(gateway, cookie, Body(sku))).Status);

    /// <summary>A valid solution of this shopper for one or two units.</summary>
    protected async Task<string> SolutionAsync(string cookie) => (await ChallengeAsync(One, cookie)).Solve();

    /// <summary>A challenge as a page gets it before it knows the cart.</summary>
    protected static async Task<Puzzle> ChallengeAsync(RunningGateway gateway, string cookie, string query = "")
    {
        var answer = await SendAsync(gateway, "GET", "/api/challenge" + query, cookie: cookie);
        Assert.Equal(200, answer.Status);
        return Puzzle.Of(await answer.Response.Content.ReadAsStringAsync());
    }

    protected async Task<T> RedisAsync<T>(Func<IDatabase, Task<T>> ask)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.AdminConnectionString);
        return await ask(connection.GetDatabase());
    }

    /// <summary>Waits until Redis has counted these units as taken, at any time.</summary>
    protected Task UntilCountedAsync(string who, int units) => Eventually.EqualAsync(units, () => RedisAsync(
        async redis => (await redis.HashValuesAsync($"{Guard}:taken:{who}")).Sum(part => (int)part)));

    /// <summary>What the guard has done, in order.</summary>
    protected Task<string[]> EventsAsync() => RedisAsync(async redis =>
        (await redis.StreamRangeAsync($"{Guard}:events"))
            .Select(one => $"{one["event"]} {one["who"]} {one["units"]}").ToArray());
}
