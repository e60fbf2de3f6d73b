namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>Without Redis the guard uses the state in each gateway's memory, and tightens nothing new.</summary>
public sealed class GuardOutageTests : GuardedShop
{
    private const string Away = "this instance limits requests by itself", Back = "shared by all gateways again";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tightened_SKUs_stay_tightened_and_used_solutions_stay_refused(bool frozen)
    {
        var (one, other) = (await CookieAsync(), await CookieAsync());
        await TightenAsync("shoe");
        var (solution, spent) = (await SolutionAsync(one), await SolutionAsync(other));
        Assert.Equal(200, (await ReserveAsync(One, other, Body("shoe"), spent)).Status);
        await StopRedisAsync(frozen);

        Assert.Equal(403, (await ReserveAsync(One, one, Body("shoe"))).Status);
        Assert.Equal(403, (await ReserveAsync(One, other, Body("shoe"), spent)).Status);
        Assert.Equal(200, (await ReserveAsync(One, one, Body("shoe"), solution)).Status);
        Assert.Equal(403, (await ReserveAsync(One, one, Body("shoe"), solution)).Status);
        Assert.Equal(200, (await ReserveAsync(One, one, Body("sock"))).Status);
        // Solved during the outage: a challenge needs no Redis.
        Assert.Equal(429, (await ReserveAsync(One, one, Body("shoe"), await SolutionAsync(one))).Status);
    }

    [Fact]
    public async Task Units_taken_during_a_Redis_outage_never_tighten_a_SKU()
    {
        var cookie = await CookieAsync();
        await StopRedisAsync(frozen: false);
        await TakeAsync(One, "shoe", 50);
        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"))).Status);

        await Redis.RestartAsync();
        await One.Log.WaitForAsync(Back);
        await TakeAsync(One, "shoe", 1);
        await UntilCountedAsync("sku:shoe", 1);

        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"))).Status);
    }

    [Fact]
    public async Task The_guard_starts_without_state_and_with_the_same_key_after_Redis_lost_its_data()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var solution = await SolutionAsync(cookie);
        var key = await RedisAsync(redis => redis.StringGetAsync("{gateway}:challenge-key"));

        await RedisAsync(redis => redis.ExecuteAsync("FLUSHALL"));

        await UntilAdmittedAsync(One, cookie, "shoe");
        await UntilAdmittedAsync(Other, cookie, "shoe");
        await TightenAsync("shoe");
        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe"), solution)).Status);
        Assert.Equal(key, await RedisAsync(redis => redis.StringGetAsync("{gateway}:challenge-key")));
    }

    private async Task StopRedisAsync(bool frozen)
    {
        if (frozen) Redis.Freeze();
        else await Redis.KillAsync();
        // Requests detect the outage.
        while (One.Log.Count(Away) == 0)
        {
            Assert.Equal(200, (await SendAsync(One, "GET", "/snapshot/shoe")).Status);
        }
    }
}
