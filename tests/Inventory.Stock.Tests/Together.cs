using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// Makes requests share a call: pauses writes in Redis until one other request is under way and all given requests wait
/// behind it.
/// </summary>
internal static class Together
{
    /// <summary>The answers, in the order of the requests.</summary>
    public static async Task<ReserveAnswer[]> ReserveAsync(
        EngineFixture stock, StockStores engine, IEnumerable<ReserveRequest> requests) =>
        await Task.WhenAll(await StartAsync(stock, engine, requests));

    /// <summary>The calls, all of them completed.</summary>
    public static Task<Task<ReserveAnswer>[]> StartAsync(
        EngineFixture stock, StockStores engine, IEnumerable<ReserveRequest> requests) =>
        StartAsync(
            stock,
            () => engine.Holds.ReserveAsync(EngineFixture.Request("first", new Line("not-on-sale", 1))),
            requests,
            engine.Holds.ReserveAsync);

    /// <summary>The calls, all of them completed.</summary>
    /// <param name="stock">The fixture. Its Redis is paused meanwhile.</param>
    /// <param name="first">Starts one other request for the same script.</param>
    /// <param name="requests">The requests that share a call.</param>
    /// <param name="ask">Starts one of them.</param>
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

    /// <summary>Pauses writes, scripts included, for up to a minute.</summary>
    public static Task PauseAsync(IConnectionMultiplexer redis) =>
        redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "60000", "WRITE");

    /// <summary>The number of script calls that Redis has counted.</summary>
    public static async Task<long> CallsAsync(EngineFixture stock)
    {
        var groups = await stock.Redis.GetServers()[0].InfoAsync("commandstats");
        var evalsha = groups.SelectMany(group => group).Single(pair => pair.Key == "cmdstat_evalsha").Value;
        return long.Parse(evalsha.Split('=', ',')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
