using System.Globalization;
using System.Text.RegularExpressions;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>When the guard tightens a name, which requests it then checks, and when it relaxes.</summary>
public sealed class GuardTighteningTests : GuardedShop
{
    [Fact]
    public async Task Units_sold_through_two_gateways_count_together_and_tighten_both()
    {
        var cookie = await CookieAsync();
        await TakeAsync(One, "shoe", 6);
        await TakeAsync(Other, "shoe", 3);
        await UntilCountedAsync("sku:shoe", 9);
        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"))).Status);

        await TakeAsync(Other, "shoe", 1);

        await UntilRefusedAsync(One, cookie, "shoe");
        await UntilRefusedAsync(Other, cookie, "shoe");
        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("sock"))).Status);
        Assert.Equal(["tightened sku:shoe 10"], await EventsAsync());
        var lines = One.Log.All.Concat(Other.Log.All);
        Assert.Single(lines, line => line.Text.StartsWith("sku:shoe is tightened: 10 units", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Units_taken_before_the_window_do_not_count()
    {
        await TakeAsync(One, "shoe", 9);
        await UntilCountedAsync("sku:shoe", 9);
        await RedisAsync(async redis =>
        {
            var part = (await redis.HashGetAllAsync($"{Guard}:taken:sku:shoe")).Single();
            await redis.HashDeleteAsync($"{Guard}:taken:sku:shoe", part.Name);
            return await redis.HashSetAsync($"{Guard}:taken:sku:shoe", (long)part.Name - 21, 1_000);
        });

        await TakeAsync(One, "shoe", 9);

        // The old part of the window is gone; only the new one counts.
        await UntilCountedAsync("sku:shoe", 9);
        Assert.Equal(200, (await ReserveAsync(One, await CookieAsync(), Body("shoe"))).Status);
        Assert.Empty(await EventsAsync());
    }

    [Theory]
    [InlineData("/reserve", """{"cart_id":"c","qty":1,"sku":"shoe"}""")]
    [InlineData("/reserve", """{"cart_id":"c","qty":1,"sku":"\u0073ho\u0065"}""")]
    [InlineData("/api/reservations", """{"productId":"shoe","userId":"u","quantity":1}""")]
    [InlineData("/api/reservations", """{"items":[{"sku":"sock","quantity":1},{"quantity":1,"sku":"shoe"}]}""")]
    [InlineData("/api/reservations/batch", """{"reservations":[{"productId":"sock"},{"items":[{"sku":"shoe"}]}]}""")]
    public async Task Every_request_that_takes_stock_is_guarded(string path, string body)
    {
        await TightenAsync("shoe");
        var before = Replica.Requests.Count;

        var refused = await ReserveAsync(One, await CookieAsync(), body, path: path);

        await ProblemAssert.IsProblemAsync(refused.Response, 403, "proof-of-work-required", path);
        Assert.Equal(before, Replica.Requests.Count);
    }

    [Theory]
    [InlineData("/reserve", """{"cart_id":"shoes","qty":1,"sku":"shoe-2"}""")]
    [InlineData("/reserve", """{"sku":"sho""")]
    [InlineData("/reserve", "")]
    [InlineData("/extend", """{"cart_id":"c","sku":"shoe","add_seconds":9}""")]
    [InlineData("/release", """{"cart_id":"c","sku":"shoe"}""")]
    [InlineData("/commit", """{"cart_id":"c","sku":"shoe"}""")]
    public async Task Other_requests_pass_unchanged(string path, string body)
    {
        await TightenAsync("shoe");

        var passed = await ReserveAsync(One, await CookieAsync(), body, path: path);

        Assert.Equal(200, passed.Status);
        Assert.Equal((path, body), (Replica.Requests[^1].Path, Replica.Requests[^1].Body));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_with_413()
    {
        await TightenAsync("shoe");

        var refused = await ReserveAsync(One, await CookieAsync(), $"\"{new string('x', 65 * 1_024)}\"");

        await ProblemAssert.IsProblemAsync(refused.Response, 413, "payload-too-large", "/reserve");
    }

    [Fact]
    public async Task Backends_and_local_callers_need_no_solution()
    {
        await TightenAsync("shoe");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/reserve")
        {
            Content = new StringContent(Body("shoe")),
            Headers = { { "X-Api-Key", Identity.DemoKeys.Backend }, { "X-Forwarded-For", Home } },
        };

        using var backend = await One.Client.SendAsync(request);
        var local = await ReserveAsync(One, null, Body("shoe"), from: null);

        Assert.Equal((200, 200), ((int)backend.StatusCode, local.Status));
    }

    [Fact]
    public async Task Any_number_of_tightened_sessions_leaves_a_line_a_second()
    {
        const int Sessions = 60;
        for (var i = 0; i < Sessions; i++)
        {
            // Too few units of each SKU, and of each address.
            var (cookie, address) = (await CookieAsync($"198.51.100.{i}"), $"198.51.100.{i}");
            for (var part = 0; part < 5; part++) await TakeAsync(One, $"sku-{i}-{part}", 8, cookie, address);
        }

        await Eventually.EqualAsync(Sessions, async () => (await EventsAsync()).Length);
        await Eventually.EqualAsync(Sessions, () => Lines().Sum(line => Tightened(line.Text)));
        Assert.InRange(Lines().Count, 1, Sessions / 2);

        List<LogLine> Lines() => [.. One.Log.All.Concat(Other.Log.All).Where(line => Tightened(line.Text) > 0)];
        static int Tightened(string text)
        {
            var found = Regex.Match(text, @"^Sessions and addresses since the last line: (\d+) are tightened");
            return found.Success ? int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        }
    }

    [Fact]
    public async Task A_shopper_who_takes_too_many_units_needs_a_solution_for_every_SKU_and_others_do_not()
    {
        var (greedy, other) = (await CookieAsync(), await CookieAsync());
        // Too few units of each SKU, but enough over all SKUs.
        for (var i = 0; i < 8; i++) await TakeAsync(i % 2 == 0 ? One : Other, $"sku-{i}", 5, greedy, Home);

        await UntilRefusedAsync(One, greedy, "sock");
        await UntilRefusedAsync(Other, greedy, "sock");

        Assert.Equal(200, (await ReserveAsync(One, other, Body("sock"))).Status);
        Assert.Matches("^tightened session:[A-Za-z0-9_-]{22} 40$", Assert.Single(await EventsAsync()));
    }

    [Fact]
    public async Task An_address_whose_shoppers_take_too_many_units_needs_a_solution_for_every_SKU()
    {
        var cookies = new List<string>();
        for (var i = 0; i < 4; i++) cookies.Add(await CookieAsync());
        for (var i = 0; i < 20; i++) await TakeAsync(i % 2 == 0 ? One : Other, $"sku-{i}", 5, cookies[i % 4], Home);

        var newcomer = await CookieAsync();
        await UntilRefusedAsync(One, newcomer, "sock");

        Assert.Equal(
            200, (await ReserveAsync(One, newcomer, Body("sock"), from: "198.51.100.7")).Status);
        Assert.Equal([$"tightened address:{Home} 100"], await EventsAsync());
    }

    [Fact]
    public async Task The_guard_relaxes_by_itself_at_all_gateways()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");

        await RedisAsync(redis => redis.HashSetAsync($"{Guard}:tightened", "sku:shoe", "1 2 10"));

        await UntilAdmittedAsync(One, cookie, "shoe");
        await UntilAdmittedAsync(Other, cookie, "shoe");
        Assert.Equal(["tightened sku:shoe 10", "relaxed sku:shoe 10"], await EventsAsync());
    }

    [Fact]
    public async Task A_SKU_stays_tightened_while_units_are_taken_fast()
    {
        await TightenAsync("shoe");
        await RedisAsync(redis => redis.HashSetAsync($"{Guard}:tightened", "sku:shoe", "1 9999999999999 10"));
        var soon = TimeProvider.System.GetUtcNow().AddMinutes(10).ToUnixTimeMilliseconds();
        await RedisAsync(redis => redis.HashSetAsync($"{Guard}:tightened", "sku:shoe", $"1 {soon} 10"));

        await TakeAsync(Other, "shoe", 12);

        await Eventually.TrueAsync(() => RedisAsync(async redis =>
        {
            var fields = ((string)(await redis.HashGetAsync($"{Guard}:tightened", "sku:shoe"))!).Split(' ');
            return fields[0] == "1" && long.Parse(fields[1]) > soon + 2_000_000 && int.Parse(fields[2]) >= 12;
        }));
        Assert.Single(await EventsAsync());
    }

    [Fact]
    public async Task A_starting_gateway_loads_the_tightened_names()
    {
        await TightenAsync("shoe");

        await using var third = await StartAsync();

        Assert.Equal(403, (await ReserveAsync(third, await CookieAsync(), Body("shoe"))).Status);
    }

    [Fact]
    public async Task An_operators_decision_overrides_the_guard()
    {
        var cookie = await CookieAsync();
        await SwitchAsync("shoe", "on\t1\tkey:admin\tSale at noon");
        await UntilRefusedAsync(Other, cookie, "shoe");

        await SwitchAsync("shoe", "off\t1\tkey:admin\tAn invited crowd");
        await UntilAdmittedAsync(Other, cookie, "shoe");
        await TakeAsync(One, "shoe", 50);
        await UntilCountedAsync("sku:shoe", 50);
        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe"))).Status);
        Assert.Empty(await EventsAsync());

        await SwitchAsync("shoe", null);
        await TakeAsync(One, "shoe", 1);
        await UntilRefusedAsync(Other, cookie, "shoe");
    }

    /// <summary>Writes an operator's decision to Redis, as the API does.</summary>
    private Task<long> SwitchAsync(string sku, string? decision) => RedisAsync(async redis =>
    {
        if (decision is null) await redis.HashDeleteAsync($"{Guard}:operator", sku);
        else await redis.HashSetAsync($"{Guard}:operator", sku, decision);
        return await redis.HashIncrementAsync(Guard, "version");
    });
}
