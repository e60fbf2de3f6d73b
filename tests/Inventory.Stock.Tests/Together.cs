using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// Requests that share a call, for sure: Redis is told to let writes wait until one more request is under way and all
/// of these have come behind it.
/// </summary>
internal static class Together
{
    /// <summary>Answers to all, in the order of the requests.</summary>
    public static async Task<ReserveAnswer[]> ReserveAsync(
        EngineFixture stock, StockEngine engine, IEnumerable<ReserveRequest> requests) =>
        await Task.WhenAll(await StartAsync(stock, engine, requests));

    /// <summary>The calls, all of them over.</summary>
    public static async Task<Task<ReserveAnswer>[]> StartAsync(
        EngineFixture stock, StockEngine engine, IEnumerable<ReserveRequest> requests)
    {
        await using var other = await ConnectionMultiplexer.ConnectAsync(stock.Redis.Configuration);
        await PauseAsync(other);
        var first = engine.ReserveAsync(EngineFixture.Request("nobody", new Line("not-on-sale", 1)));
        var calls = requests.Select(engine.ReserveAsync).ToArray();
        await other.GetDatabase().ExecuteAsync("CLIENT", "UNPAUSE");
        await first;
        await Task.WhenAll(calls.Select(call => call.ContinueWith(_ => { }, TaskScheduler.Default)));
        return calls;
    }

    /// <summary>Lets scripts wait for a minute.</summary>
    public static Task PauseAsync(IConnectionMultiplexer redis) =>
        redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "60000", "WRITE");

    /// <summary>Scripts that Redis was called with so far.</summary>
    public static async Task<long> CallsAsync(EngineFixture stock)
    {
        var groups = await stock.Redis.GetServers()[0].InfoAsync("commandstats");
        var evalsha = groups.SelectMany(group => group).Single(pair => pair.Key == "cmdstat_evalsha").Value;
        return long.Parse(evalsha.Split('=', ',')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
