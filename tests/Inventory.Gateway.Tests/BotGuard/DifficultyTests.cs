using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Inventory.Testing;

namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>How hard a challenge is, and for how many units it is.</summary>
public sealed class DifficultyTests : GuardedShop
{
    [Theory]
    [InlineData(1, 500, 2)]
    [InlineData(2, 500, 2)]
    [InlineData(3, 1_000, 4)]
    [InlineData(20, 5_000, 20)]
    [InlineData(21, 5_000, 22)]
    [InlineData(50_000, 5_000, 50_000)]
    public async Task The_difficulty_grows_with_the_units_up_to_a_bound(int units, int largest, int covered)
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");

        var refused = await Puzzle.OfAsync(
            (await ReserveAsync(One, cookie, Body("shoe", units))).Response);
        var asked = await ChallengeAsync(Other, cookie, $"?units={units}");

        Assert.All([refused, asked], puzzle =>
        {
            Assert.Equal(largest, puzzle.Maxnumber);
            Assert.EndsWith($"&units={covered}&", puzzle.Salt, StringComparison.Ordinal);
            Assert.InRange(puzzle.Number(), 0, largest);
        });
    }

    [Fact]
    public async Task The_number_to_find_is_drawn_from_all_numbers_up_to_the_largest()
    {
        var cookie = await CookieAsync();
        var found = new List<long>();
        for (var i = 0; i < 20; i++) found.Add((await ChallengeAsync(One, cookie, "?units=20")).Number());

        // All 20 in the lower half: one run in a million.
        Assert.Contains(found, number => number > 2_500);
    }

    [Fact]
    public async Task A_solution_for_few_units_admits_no_request_for_more_and_stays_valid_for_few()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var solution = await SolutionAsync(cookie);
        var before = Replica.Requests.Count;

        var refused = await ReserveAsync(One, cookie, Body("shoe", 50_000), solution);

        await ProblemAssert.IsProblemAsync(refused.Response, 403, "proof-of-work-required", "/reserve");
        var problem = JsonElement.Parse(await refused.Response.Content.ReadAsStringAsync());
        Assert.Equal("insufficient", problem.GetProperty("reason").GetString());
        Assert.Equal(before, Replica.Requests.Count);
        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe", 2), solution)).Status);
    }

    [Fact]
    public async Task The_challenge_of_a_refusal_is_for_the_units_that_were_asked_for()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var refused = await ReserveAsync(One, cookie, Body("shoe", 7), await SolutionAsync(cookie));

        var solution = (await Puzzle.OfAsync(refused.Response)).Solve();

        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe", 7), solution)).Status);
    }

    [Theory]
    [InlineData("/reserve", """{"sku":"shoe","qty":2,"cart_id":"c","ttl_seconds":600}""", 2)]
    [InlineData("/reserve", """{"sku":"shoe","\u0071ty":4,"cart_id":"c","\u0074tl_seconds":600}""", 4)]
    [InlineData("/api/reservations", """{"productId":"shoe","userId":"u","quantity":5,"ttlSeconds":60}""", 6)]
    [InlineData(
        "/api/reservations", """{"items":[{"sku":"sock","quantity":4},{"quantity":4,"sku":"shoe"}]}""", 8)]
    [InlineData("/api/reservations", """{"items":[{"sku":"shoe","quantity":2147483647}]}""", 2_147_483_648)]
    [InlineData(
        "/api/reservations/batch",
        """{"reservations":[{"productId":"shoe","quantity":2},{"items":[{"sku":"shoe","quantity":2}]}]}""", 4)]
    [InlineData("/reserve", """{"sku":"shoe","qty":-5,"cart_id":"c"}""", 2)]
    [InlineData("/reserve", """{"sku":"shoe","cart_id":"c"}""", 2)]
    public async Task All_units_of_a_request_count_and_the_time_of_a_hold_does_not(
        string path, string body, long covered)
    {
        await TightenAsync("shoe");

        var refused = await ReserveAsync(One, await CookieAsync(), body, path: path);

        var units = Regex.Match((await Puzzle.OfAsync(refused.Response)).Salt, @"&units=(\d+)&$").Groups[1].Value;
        Assert.Equal(Math.Min(covered, 1_000_000_000), long.Parse(units));
    }

    [Fact]
    public async Task The_difficulty_follows_how_far_the_threshold_is_exceeded_up_to_four_times()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        Assert.Equal(500, (await ChallengeAsync(One, cookie)).Maxnumber);

        // Another twentieth of the duration has not passed: each step is passed on by itself.
        await TakeAsync(One, "shoe", 10);
        await UntilLargestAsync(1_000);
        await TakeAsync(Other, "shoe", 80);
        await UntilLargestAsync(2_000);

        Assert.Equal(4_000, (await ChallengeAsync(One, cookie, "?units=3")).Maxnumber);
        Assert.Equal(5_000, (await ChallengeAsync(One, cookie, "?units=5")).Maxnumber);
        Assert.Equal(["tightened sku:shoe 10"], await EventsAsync());

        async Task UntilLargestAsync(long largest)
        {
            foreach (var gateway in new[] { One, Other })
            {
                await Eventually.EqualAsync(largest, async () => (await Puzzle.OfAsync(
                    (await ReserveAsync(gateway, cookie, Body("shoe"))).Response)).Maxnumber);
                Assert.Equal(largest, (await ChallengeAsync(gateway, cookie)).Maxnumber);
            }
        }
    }

    [Fact]
    public async Task The_pressure_on_one_shopper_makes_nothing_harder_for_others()
    {
        var (greedy, other) = (await CookieAsync(), await CookieAsync("198.51.100.7"));
        // 80 units in one request, and of no SKU as many as tighten it.
        var skus = string.Join("=5,", Enumerable.Range(0, 16).Select(i => $"sku-{i}"));
        await TakeAsync(One, skus, 5, greedy, Home);
        await UntilRefusedAsync(One, greedy, "sock");

        await Eventually.EqualAsync(1_000, async () => (await Puzzle.OfAsync(
            (await ReserveAsync(One, greedy, Body("sock"))).Response)).Maxnumber);
        Assert.Equal(1_000, (await ChallengeAsync(One, greedy)).Maxnumber);
        var own = await SendAsync(One, "GET", "/api/challenge", "198.51.100.7", other);
        Assert.Equal(500, Puzzle.Of(await own.Response.Content.ReadAsStringAsync()).Maxnumber);
    }

    [Fact]
    public async Task What_one_shopper_takes_and_gives_back_again_and_again_tightens_only_this_shopper()
    {
        await using var gateway = await StartAsync(
            ("Gateway:Guard:Units", "100"), ("Gateway:Guard:SessionUnits", "20"));
        var (greedy, other) = (await CookieAsync(), await CookieAsync());
        // At once, so that the guard learns of the first only after the others have passed.
        await Task.WhenAll(Enumerable.Range(0, 10).Select(
            i => ReserveAsync(gateway, greedy, "{}", path: $"/reserve?taken=shoe={(i == 0 ? 100 : 19)}")));

        await UntilRefusedAsync(gateway, greedy, "sock");
        await UntilCountedAsync("sku:shoe", 20);
        // The units count for the shopper's address too.
        Assert.Equal(200, (await ReserveAsync(gateway, other, Body("shoe"), from: "198.51.100.7")).Status);
        Assert.DoesNotContain(await EventsAsync(), one => one.Contains("sku:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("?units=")]
    [InlineData("?units=0")]
    [InlineData("?units=-1")]
    [InlineData("?units=1.5")]
    [InlineData("?units=1000000001")]
    [InlineData("?units=1&units=2")]
    public async Task Wrong_units_of_a_challenge_are_refused(string query)
    {
        var answer = await SendAsync(One, "GET", "/api/challenge" + query, cookie: await CookieAsync());

        await ProblemAssert.IsProblemAsync(answer.Response, 400, "validation", "/api/challenge");
        var problem = JsonElement.Parse(await answer.Response.Content.ReadAsStringAsync());
        Assert.Single(problem.GetProperty("errors").GetProperty("units").EnumerateArray());
    }

    /// <summary>Gateways of an earlier version issue such challenges while a deployment is updated.</summary>
    [Fact]
    public async Task A_challenge_without_units_is_for_one()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var key = (byte[])(await RedisAsync(redis => redis.StringGetAsync("{gateway}:challenge-key")))!;
        var puzzle = await ChallengeAsync(One, cookie);
        var salt = puzzle.Salt.Replace("units=2&", "", StringComparison.Ordinal);
        var hash = Puzzle.Hash(salt, 7);
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(hash)));
        var solution = (puzzle with { Salt = salt, Challenge = hash, Signature = signature }).Solve();

        Assert.Equal(403, (await ReserveAsync(One, cookie, Body("shoe", 2), solution)).Status);
        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"), solution)).Status);
    }
}
