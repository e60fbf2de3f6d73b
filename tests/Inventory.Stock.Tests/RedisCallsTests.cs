using System.Collections.Concurrent;
using System.Net.Sockets;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// What a call to Redis throws, however it fails. Errors that mean that Redis can't act are outages; errors of a wrong
/// request are not.
/// </summary>
public sealed class RedisCallsTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(10);

    [Theory]
    [InlineData("LOADING Redis is loading the dataset in memory", true)]
    [InlineData("READONLY You can't write against a read only replica.", true)]
    [InlineData("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", true)]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.", true)]
    [InlineData("MISCONF Redis is configured to save RDB snapshots, but it can't persist on disk.", true)]
    [InlineData("BUSY Redis is busy running a script.", true)]
    [InlineData("NOREPLICAS Not enough good replicas to write.", true)]
    [InlineData("CLUSTERDOWN The cluster is down", true)]
    [InlineData("TRYAGAIN Multiple keys request during rehashing of slot", true)]
    [InlineData("EXECABORT Transaction discarded because of previous errors.", true)]
    [InlineData("NOPERM this user has no permissions to run this command", false)]
    [InlineData("ERR unknown command", false)]
    public async Task A_redis_error_is_an_outage_if_a_later_retry_can_succeed(string error, bool isOutage)
    {
        var failure = await Assert.ThrowsAsync<StoreRejectedException>(() => FailAsync(error));

        Assert.StartsWith(error, failure.Message, StringComparison.Ordinal);
        Assert.Equal((error.Split(' ')[0], isOutage, Store.Redis), (failure.Code, failure.IsOutage, failure.Store));
    }

    [Theory]
    [InlineData("UNREADABLE sku-1 reserved is \"1.5\"", "sku-1", "reserved is \"1.5\"")]
    [InlineData("WRONGTYPE Operation against a key", "-", "WRONGTYPE Operation against a key")]
    [InlineData("ERR user_script:101: WRONGTYPE Operation against a key", "-", "WRONGTYPE Operation against a key")]
    public async Task An_error_about_corrupt_data_names_the_sku_and_what_is_wrong(string error, string sku, string what)
    {
        var failure = await Assert.ThrowsAsync<CorruptDataException>(() => FailAsync(error));

        Assert.Equal((sku, what, false), (failure.Sku, failure.What, failure.IsOutage));
        Assert.Equal($"{sku} {what}", failure.Message);
    }

    [Fact]
    public async Task A_transaction_that_a_full_redis_discards_is_an_outage()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.AdminConnectionString);
        await redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        var transaction = redis.GetDatabase().CreateTransaction();
        var write = transaction.StringSetAsync("a", 1);

        var whole = await Assert.ThrowsAsync<StoreRejectedException>(() => transaction.ExecuteAsync().OrFailedAsync());
        var part = await Assert.ThrowsAnyAsync<StoreException>(() => write.OrFailedAsync());

        Assert.Equal("EXECABORT", whole.Code);
        Assert.True(whole.IsOutage && part.IsOutage);
    }

    [Fact]
    public async Task A_call_that_the_client_gives_up_is_an_outage_whatever_exception_it_throws()
    {
        // The client completes the calls of a lost connection with whatever broke it.
        Exception[] given =
        [
            new IOException("Broken pipe"), new EndOfStreamException(), new SocketException(),
            new InvalidOperationException("Writing is not allowed."), new ObjectDisposedException("connection"),
            new TaskCanceledException(),
        ];
        foreach (var words in given)
        {
            var one = await Assert.ThrowsAsync<StoreUnansweredException>(
                () => Task.FromException<int>(words).OrFailedAsync());
            var several = await Assert.ThrowsAsync<StoreUnansweredException>(
                () => Task.WhenAll(Task.CompletedTask, Task.FromException(words)).OrFailedAsync());

            Assert.Equal([words, words], [one.InnerException, several.InnerException]);
            Assert.True(one.IsDisconnected && several.IsDisconnected);
        }

        await Assert.ThrowsAsync<NotSupportedException>(
            () => Task.FromException(new NotSupportedException()).OrFailedAsync());
    }

    [Fact]
    public async Task The_failure_of_a_store_is_found_inside_the_exception_that_wraps_it()
    {
        var failure = await Assert.ThrowsAsync<StoreRejectedException>(() => FailAsync("ERR no"));

        Assert.Same(failure, StoreException.In(new InvalidOperationException("", new IOException("", failure))));
        Assert.Null(StoreException.In(new InvalidOperationException("", new IOException())));
    }

    [Fact]
    public async Task A_call_that_is_in_flight_when_the_server_dies_has_an_unknown_effect()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectAsync(server);
        server.Freeze();
        var calls = Enumerable.Range(0, 50).Select(_ => TimeAsync(redis)).ToList();

        await server.KillAsync();

        foreach (var call in calls)
        {
            Assert.True((await Assert.ThrowsAsync<StoreUnansweredException>(() => call)).IsDisconnected);
        }
    }

    [Fact]
    public async Task A_frozen_server_does_not_answer_in_time()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectAsync(server);
        server.Freeze();

        var failure = await Assert.ThrowsAsync<StoreUnansweredException>(() => TimeAsync(redis));

        Assert.False(failure.IsDisconnected);
        server.Thaw();
        Assert.False((await TimeAsync(redis)).IsNull);
    }

    [Fact]
    public async Task A_call_that_was_never_sent_has_no_effect()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectAsync(server, BacklogPolicy.FailFast);
        await server.KillAsync();
        // The client notices within moments that the connection is gone.
        StoreException failure;
        do failure = await Assert.ThrowsAnyAsync<StoreException>(() => TimeAsync(redis));
        while (failure is StoreUnansweredException);

        Assert.IsType<StoreUnavailableException>(failure);
    }

    [Fact]
    public async Task No_exception_of_the_client_passes_while_a_server_is_killed_and_restarted_again_and_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectAsync(server);
        using var ending = new CancellationTokenSource();
        var others = new ConcurrentBag<Exception>();
        var large = new string('x', 100_000);
        var loops = Enumerable.Range(0, 30).Select(_ => Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                try
                {
                    // Much to write, so that connections also break in the middle of a write.
                    await redis.GetDatabase().ScriptEvaluateAsync("return ARGV[1]", [], [large]).OrFailedAsync();
                }
                catch (StoreException e) when (e.IsOutage)
                {
                    // The server is gone for a moment.
                    await Task.Delay(RetryPause);
                }
                catch (Exception e)
                {
                    others.Add(e);
                }
            }
        })).ToList();

        for (var i = 0; i < 5; i++)
        {
            await server.KillAsync();
            await server.RestartAsync();
            while (!await AnswersAsync(redis)) await Task.Delay(RetryPause);
        }

        await ending.CancelAsync();
        await Task.WhenAll(loops);
        Assert.Empty(others);
    }

    private Task<RedisResult> FailAsync(string error) => stock.Database.ScriptEvaluateAsync(
        "return redis.error_reply(ARGV[1])", [], [error]).OrFailedAsync();

    private static Task<RedisResult> TimeAsync(ConnectionMultiplexer redis) =>
        redis.GetDatabase().ExecuteAsync("TIME").OrFailedAsync();

    private static async Task<bool> AnswersAsync(ConnectionMultiplexer redis)
    {
        try
        {
            return !(await TimeAsync(redis)).IsNull;
        }
        catch (StoreException e) when (e.IsOutage)
        {
            return false;
        }
    }

    private static Task<ConnectionMultiplexer> ConnectAsync(RedisServer server, BacklogPolicy? backlog = null)
    {
        var settings = ConfigurationOptions.Parse(server.ConnectionString);
        StockServices.ReconnectSoon(settings);
        settings.AsyncTimeout = 1_000;
        settings.BacklogPolicy = backlog ?? BacklogPolicy.Default;
        return ConnectionMultiplexer.ConnectAsync(settings);
    }
}
