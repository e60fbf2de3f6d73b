using System.Buffers.Binary;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.RateLimiting;

/// <summary>Budgets of requests, counted over all gateways.</summary>
public sealed class RateLimitTests : TwoGateways
{
    private const int PartBytes = sizeof(double), PairBytes = PartBytes + sizeof(uint);

    protected override (string Key, string Value)[] Settings =>
    [
        ("Gateway:RateLimits:Reserve:Session:Permits", "20"),
        ("Gateway:RateLimits:Reserve:Address:Permits", "200"),
        ("Gateway:RateLimits:Read:Address:Permits", "20"),
        ("Gateway:RateLimits:Reserve:ApiKey:Permits", "5"),
        ("Gateway:RateLimits:NewSession:Permits", "30"),
    ];

    [Fact]
    public async Task Of_forty_requests_of_one_shopper_at_two_gateways_twenty_pass()
    {
        var cookie = await CookieAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(
            i => SendAsync(i % 2 == 0 ? One : Other, "POST", "/reserve", cookie: cookie)));

        Assert.Equal(20, answers.Count(answer => answer.Status == 200));
        Assert.Equal(20, answers.Count(answer => answer.Status == 429));
        Assert.Equal(20, Replica.Requests.Count);
        // Each number of remaining requests was returned once.
        Assert.Equal(
            Enumerable.Range(0, 20),
            answers.Where(answer => answer.Status == 200).Select(answer => answer.Remaining).Order());
    }

    [Fact]
    public async Task The_headers_count_down_and_a_refusal_has_Retry_After()
    {
        var cookie = await CookieAsync();
        for (var left = 19; left >= 0; left--)
        {
            var answer = await SendAsync(left % 2 == 0 ? One : Other, "POST", "/reserve", cookie: cookie);

            Assert.Equal(200, answer.Status);
            Assert.Equal("""
                "reserve-session";q=20;w=60, "reserve-address";q=200;w=60
                """, answer.Header("RateLimit-Policy"));
            Assert.Equal("20", answer.Header("X-RateLimit-Limit"));
            Assert.Equal(left, answer.Remaining);
            Assert.Equal(
                $"\"reserve-session\";r={left};t={answer.Header("X-RateLimit-Reset")}", answer.Header("RateLimit"));
        }

        var refused = await SendAsync(One, "POST", "/reserve", cookie: cookie);

        await ProblemAssert.IsProblemAsync(refused.Response, 429, "too-many-requests", "/reserve");
        Assert.Equal(0, refused.Remaining);
        Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 63);
        Assert.Equal(20, Replica.Requests.Count);
    }

    [Fact]
    public async Task The_window_slides_and_refused_requests_do_not_extend_it()
    {
        var cookie = await CookieAsync();
        for (var i = 0; i < 30; i++) await SendAsync(One, "POST", "/reserve", cookie: cookie);

        await AgeAsync("reserve-session", parts: 19);
        Assert.Equal(429, (await SendAsync(One, "POST", "/reserve", cookie: cookie)).Status);

        await AgeAsync("reserve-session", parts: 2);
        var answer = await SendAsync(Other, "POST", "/reserve", cookie: cookie);
        Assert.Equal((200, 19), (answer.Status, answer.Remaining));
    }

    [Fact]
    public async Task No_window_has_more_requests_than_the_limit_at_any_start()
    {
        var cookie = await CookieAsync();
        for (var i = 0; i < 10; i++) await SendAsync(One, "POST", "/reserve", cookie: cookie);
        await AgeAsync("reserve-session", parts: 15);
        for (var i = 0; i < 10; i++) await SendAsync(One, "POST", "/reserve", cookie: cookie);
        Assert.Equal(429, (await SendAsync(One, "POST", "/reserve", cookie: cookie)).Status);

        // The first ten have left the window; the second ten still count.
        await AgeAsync("reserve-session", parts: 6);
        var answers = new List<Answer>();
        for (var i = 0; i < 12; i++) answers.Add(await SendAsync(One, "POST", "/reserve", cookie: cookie));

        Assert.Equal(10, answers.Count(answer => answer.Status == 200));
    }

    [Fact]
    public async Task Ten_thousand_forged_addresses_share_one_budget()
    {
        var answers = new int[10_000];
        await Parallel.ForAsync(0, answers.Length, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
        {
            // The proxy appends the address that it saw; the part before comes from the caller.
            var forged = $"{i % 250}.{i / 250}.7.7, {Home}";
            var answer = await SendAsync(i % 2 == 0 ? One : Other, "GET", "/snapshot/shoe", forged);
            answers[i] = answer.Status;
        });

        Assert.Equal(20, answers.Count(status => status == 200));
        Assert.Equal(9_980, answers.Count(status => status == 429));
    }

    [Theory]
    //          one address                another             ->  share a budget
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2ff::1", "2001:db8:1:300::1", false)]
    [InlineData("198.51.100.1", "::ffff:198.51.100.1", true)]
    [InlineData("198.51.100.1", "198.51.100.2", false)]
    public async Task Addresses_of_one_subscriber_share_a_budget(string address, string another, bool shared)
    {
        for (var i = 0; i < 20; i++) await SendAsync(One, "GET", "/snapshot/shoe", address);

        Assert.Equal(429, (await SendAsync(One, "GET", "/snapshot/shoe", address)).Status);
        Assert.Equal(shared ? 429 : 200, (await SendAsync(One, "GET", "/snapshot/shoe", another)).Status);
    }

    [Fact]
    public async Task A_caller_who_drops_the_cookie_gets_at_most_thirty_sessions()
    {
        var answers = new List<Answer>();
        for (var i = 0; i < 40; i++) answers.Add(await SendAsync(One, "POST", "/reserve"));

        Assert.Equal(30, answers.Count(answer => answer is { Status: 200, Cookie: not null }));
        Assert.All(answers[30..], answer => Assert.Equal((429, null), (answer.Status, answer.Cookie)));
        Assert.StartsWith("\"new-session\";r=0", answers[^1].Header("RateLimit"), StringComparison.Ordinal);
        Assert.Equal(200, (await SendAsync(One, "POST", "/reserve", cookie: answers[0].Cookie)).Status);
    }

    [Fact]
    public async Task A_shopper_without_reserve_budget_can_still_pay_and_release()
    {
        var cookie = await CookieAsync();
        for (var i = 0; i < 21; i++) await SendAsync(One, "POST", "/reserve", cookie: cookie);

        Assert.Equal(429, (await SendAsync(One, "POST", "/api/reservations", cookie: cookie)).Status);
        Assert.Equal(200, (await SendAsync(One, "POST", "/api/reservations/1/confirm", cookie: cookie)).Status);
        Assert.Equal(200, (await SendAsync(One, "DELETE", "/api/reservations/1", cookie: cookie)).Status);
    }

    [Fact]
    public async Task An_API_key_has_its_own_budget_from_any_address()
    {
        var key = ("X-Api-Key", Identity.DemoKeys.Backend);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await SendAsync(One, "POST", "/reserve", $"198.51.100.{i}", null, key)).Status);
        }

        var refused = await SendAsync(Other, "POST", "/reserve", "198.51.100.77", null, key);

        Assert.Equal((429, "5"), (refused.Status, refused.Header("X-RateLimit-Limit")));
        Assert.Equal(200, (await SendAsync(One, "POST", "/reserve", "198.51.100.77")).Status);
    }

    [Fact]
    public async Task An_unknown_key_counts_as_no_key()
    {
        var answers = new List<Answer>();
        for (var i = 0; i < 21; i++)
        {
            var guess = ("X-Api-Key", $"inv_{i:D64}");
            answers.Add(await SendAsync(One, "GET", "/snapshot/shoe", Home, null, guess));
        }

        Assert.Equal(20, answers.Count(answer => answer.Status == 200));
        Assert.Equal(429, answers[^1].Status);
    }

    [Fact]
    public async Task Probes_and_unknown_paths_are_not_counted()
    {
        foreach (var path in new[] { "/health", "/alive", "/nothing" })
        {
            Assert.Null((await SendAsync(One, "GET", path)).Header("RateLimit"));
        }
    }

    /// <summary>Moves the counts of a budget back by a number of twentieths of its window.</summary>
    private async Task AgeAsync(string budget, int parts)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString);
        var database = connection.GetDatabase();
        var key = Assert.Single(
            connection.GetServers().Single().Keys(pattern: $"{{gateway}}:{budget}:*").ToList());
        var counts = (byte[])(await database.StringGetAsync(key))!;
        for (var i = 0; i < counts.Length; i += PairBytes)
        {
            var part = BinaryPrimitives.ReadDoubleLittleEndian(counts.AsSpan(i));
            BinaryPrimitives.WriteDoubleLittleEndian(counts.AsSpan(i), part - parts);
        }

        await database.StringSetAsync(key, counts, Expiration.KeepTtl);
    }
}
