using Inventory.Gateway.RateLimiting;
using Inventory.Storage;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.RateLimiting;

/// <summary>
/// Concurrent requests share a call of the limiter's script, with the same result as separate calls. While Redis is
/// frozen, the first call is under way and all other requests wait for the next one.
/// </summary>
public sealed class CoalescedChargesTests : IAsyncLifetime
{
    private const int Idle = 60_000;
    private static readonly RateBudget Fifty = new() { Permits = 50 };

    private RedisServer? redis;
    private ConnectionMultiplexer? connection;

    private IDatabase Database => connection!.GetDatabase();

    public async Task InitializeAsync()
    {
        redis = await RedisServer.StartAsync();
        connection = await ConnectionMultiplexer.ConnectAsync(redis.AdminConnectionString);
        // Loads the script, so that later each batch is one call.
        await Charges().AskAsync(Of("first"));
    }

    public async Task DisposeAsync()
    {
        await connection!.DisposeAsync();
        await redis!.DisposeAsync();
    }

    [Fact]
    public async Task Concurrent_requests_are_charged_one_after_the_other()
    {
        var answers = await TogetherAsync([.. Enumerable.Range(0, 70).Select(_ => Of("one"))]);

        var verdicts = answers.Select(answer => (long[])answer!).ToList();
        Assert.Equal(
            Enumerable.Range(0, 50).Select(taken => (1L, 49L - taken)),
            verdicts[..50].Select(verdict => (verdict[0], verdict[3])));
        Assert.All(verdicts[50..], verdict => Assert.Equal((-1L, 0L), (verdict[0], verdict[3])));
        // Three calls: the first request, 64 more, and the rest.
        Assert.Equal(3, await CallsAsync());
        Assert.Equal(-1, ((long[])(await Charges().AskAsync(Of("one")))!)[0]);
    }

    [Fact]
    public async Task A_session_begun_by_one_request_is_known_to_the_next()
    {
        var answers = await TogetherAsync(
            [Of("one"), Of("one", "ann"), Of("one", "ann", begins: true), Of("one", "ann"), Of("one", "bob")]);

        Assert.Equal([0L, -1, 1, 1, -1], answers.Select(answer => ((long[])answer!)[1]));
        Assert.True(await Database.KeyExistsAsync(SharedLimiter.SessionKey("ann")));
        Assert.False(await Database.KeyExistsAsync(SharedLimiter.SessionKey("bob")));
        Assert.Equal(2, await CallsAsync());
    }

    [Fact]
    public async Task A_corrupt_counter_fails_only_its_own_requests()
    {
        await Database.ListLeftPushAsync("{gateway}:fifty:broken", "no counter");

        List<Charge> charges = [Of("one"), Of("two"), Of("broken"), Of("two")];
        var failure = await Assert.ThrowsAsync<CorruptDataException>(() => TogetherAsync(charges));

        var answers = await Task.WhenAll(new[] { 0, 1, 3 }.Select(i => charges[i].Task));
        Assert.Equal([49L, 49, 48], answers.Select(answer => ((long[])answer!)[3]));
        Assert.StartsWith("WRONGTYPE", failure.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_waits_behind_a_hanging_call_fails_with_it_and_is_not_charged()
    {
        var charges = Charges(TimeSpan.FromMilliseconds(200));
        redis!.Freeze();
        var hanging = Enumerable.Range(0, 10).Select(_ => charges.AskAsync(Of("one"))).ToList();

        foreach (var call in hanging) await Assert.ThrowsAsync<StoreUnansweredException>(() => call);

        redis.Thaw();
        var next = (long[])(await Charges().AskAsync(Of("one")))!;
        Assert.Equal(48, next[3]);
    }

    private async Task<RedisResult[]> TogetherAsync(List<Charge> together)
    {
        await Database.ExecuteAsync("CONFIG", "RESETSTAT");
        var charges = Charges();
        redis!.Freeze();
        var calls = together.Select(charges.AskAsync).ToList();
        redis.Thaw();
        return await Task.WhenAll(calls);
    }

    private async Task<int> CallsAsync()
    {
        var lines = (string)(await Database.ExecuteAsync("INFO", "commandstats"))!;
        var evalsha = lines.Split('\n').Single(line => line.StartsWith("cmdstat_evalsha:", StringComparison.Ordinal));
        return int.Parse(evalsha.Split('=', ',')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private CoalescedCharges Charges(TimeSpan? patience = null) =>
        new(connection!, Idle, patience ?? TimeSpan.FromSeconds(20));

    private static Charge Of(string address, string? subject = null, bool begins = false) => new(
        new BudgetSet(new Budget("fifty", IdentityKind.Address, Fifty)),
        new Identities(subject, null, address), begins);
}
