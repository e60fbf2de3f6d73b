namespace Inventory.Gateway.Tests.RateLimiting;

/// <summary>Without Redis each gateway applies limits by itself, keeps sessions, and delays no request.</summary>
public sealed class RedisOutageTests : TwoGateways
{
    private const int Callers = 8;
    private const string Away = "this instance limits requests by itself", Back = "shared by all gateways again";

    protected override (string Key, string Value)[] Settings =>
    [
        ("Gateway:RateLimits:Reserve:Session:Permits", "20"),
        ("Gateway:RateLimits:Read:Session:Permits", "1000000"),
        ("Gateway:RateLimits:Batch:Address:Permits", "1"),
        ("Gateway:RateLimits:LocalIdentities", "1000"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_instance_keeps_limits_by_itself_and_shares_them_again_later(bool frozen)
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();
        await TakeAwayAsync(frozen);
        // Both gateways detect the outage with reads: a frozen Redis counts later what it has received.
        foreach (var gateway in new[] { One, Other })
        {
            Assert.All(await ReadAsync(gateway, cookie, 20), answer => Assert.Equal(200, answer.Status));
            await gateway.Log.WaitForAsync(Away);
        }

        foreach (var gateway in new[] { One, Other })
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(
                _ => SendAsync(gateway, "POST", "/reserve", cookie: cookie)));
            Assert.Equal(20, answers.Count(answer => answer.Status == 200));
            Assert.Equal(10, answers.Count(answer => answer.Status == 429));
            Assert.Equal(subject, Shopper());
            await ProblemAssert.IsProblemAsync(
                answers.First(answer => answer.Status == 429).Response, 429, "too-many-requests", "/reserve");
            Assert.Equal(200, (await SendAsync(gateway, "GET", "/health")).Status);
        }

        await BringBackAsync(frozen);
        await One.Log.WaitForAsync(Back);
        await Other.Log.WaitForAsync(Back);
        var shared = new List<Answer>();
        for (var i = 0; i < 42; i++)
        {
            shared.Add(await SendAsync(i % 2 == 0 ? One : Other, "POST", "/reserve", cookie: cookie));
        }

        Assert.Equal(frozen ? 19 : 20, shared.Count(answer => answer.Status == 200));
        Assert.Single(One.Log.All, line => line.Text.Contains(Away, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_request_fails_and_few_wait_when_Redis_fails(bool frozen)
    {
        var cookie = await CookieAsync();
        await ReadAsync(One, cookie, 200);
        var requests = ReadAsync(One, cookie, 2_000);
        await TakeAwayAsync(frozen);
        var answers = await requests;

        var errors = One.Log.All.Where(line => line.Text.Contains("unhandled", StringComparison.Ordinal));
        Assert.True(answers.All(answer => answer.Status == 200), string.Join('\n', errors.Take(2)));
        // Requests under way, and those that came before five had timed out.
        Assert.InRange(answers.Count(HasWaited), 0, 2 * Callers);
        Assert.DoesNotContain(await ReadAsync(One, cookie, 200), HasWaited);
    }

    [Fact]
    public async Task Without_Redis_no_session_ends_and_a_gateway_without_keys_begins_none()
    {
        var cookie = await CookieAsync();
        await Redis.KillAsync();
        await using var late = await StartAsync();

        var begun = await SendAsync(late, "POST", "/reserve");
        await ProblemAssert.IsProblemAsync(begun.Response, 503, "sessions-unavailable", "/reserve");
        var ended = await SendAsync(One, "DELETE", "/api/session", cookie: cookie);
        await ProblemAssert.IsProblemAsync(ended.Response, 503, "sessions-unavailable", "/api/session");
        Assert.Equal(200, (await SendAsync(late, "GET", "/snapshot/shoe")).Status);
        Assert.Equal(200, (await SendAsync(late, "GET", "/health")).Status);
        // Gateways that have the keys continue, also with new shoppers.
        Assert.Equal(200, (await SendAsync(One, "POST", "/reserve")).Status);

        await Redis.RestartAsync();
        await late.Log.WaitForAsync("sessions can begin");
        await late.Log.WaitForAsync(Back);
        Assert.Equal(200, (await SendAsync(late, "POST", "/reserve")).Status);
    }

    [Fact]
    public async Task A_flood_of_addresses_shares_budgets_and_so_bounds_memory()
    {
        var cookie = await CookieAsync();
        await Redis.KillAsync();
        await ReadAsync(One, cookie, 20);
        await One.Log.WaitForAsync(Away);

        var passed = 0;
        await Parallel.ForAsync(0, 5_000, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (i, _) =>
        {
            var noSession = ("X-Api-Key", "unknown");
            var answer = await SendAsync(
                One, "POST", "/api/reservations/batch", $"10.1.{i / 250}.{i % 250}", null, noSession);
            if (answer.Status == 200) Interlocked.Increment(ref passed);
        });

        // The first thousand addresses have a permit each; the others share 1024 places with one permit each.
        Assert.InRange(passed, 1_900, 2_050);
    }

    private static bool HasWaited(Answer answer) => answer.Took >= TimeSpan.FromSeconds(2);

    private static async Task<Answer[]> ReadAsync(RunningGateway gateway, string cookie, int requests)
    {
        var answers = new Answer[requests];
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (i, _) =>
            answers[i] = await SendAsync(gateway, "GET", "/snapshot/shoe", cookie: cookie));
        return answers;
    }

    private async Task TakeAwayAsync(bool frozen)
    {
        if (frozen) Redis.Freeze();
        else await Redis.KillAsync();
    }

    private async Task BringBackAsync(bool frozen)
    {
        if (frozen) Redis.Thaw();
        else await Redis.RestartAsync();
    }
}
