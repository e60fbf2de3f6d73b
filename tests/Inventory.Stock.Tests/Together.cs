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
    public static Task<Task<ReserveAnswer>[]> StartAsync(
        EngineFixture stock, StockEngine engine, IEnumerable<ReserveRequest> requests) =>
        StartAsync(
            stock,
            () => engine.ReserveAsync(EngineFixture.Request("nobody", new Line("not-on-sale", 1))),
            requests,
            engine.ReserveAsync);

    /// <summary>The calls, all of them over.</summary>
    /// <param name="stock">Whose Redis is told to wait.</param>
    /// <param name="first">One more request for the same script.</param>
    /// <param name="requests">What comes behind it.</param>
    /// <param name="ask">Asks for one of them.</param>
    public static async Task<Task<TAnswer>[]> StartAsync<TRequest, TAnswer>(
        EngineFixture stock, Func<Task> first, IEnumerable<TRequest> requests, Func<TRequest, Task<TAnswer>> ask)
    {
        await using var other = await ConnectionMultiplexer.ConnectAsync(stock.Redis.Configuration);
        await PauseAsync(other);
        var ahead = first();
        var calls = requests.Select(ask).ToArray();
        await other.GetDatabase().ExecuteAsync("CLIENT", "UNPAUSE");
        await ahead;
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
