using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>Errors that mean that Redis can't act are outages; errors of a wrong request are not.</summary>
public sealed class StockOutageTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
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
    [InlineData("WRONGTYPE Operation against a key holding the wrong kind of value", false)]
    [InlineData("NOPERM this user has no permissions to run this command", false)]
    [InlineData("ERR unknown command", false)]
    public async Task A_redis_error_is_an_outage_if_a_later_retry_can_succeed(string error, bool isOutage)
    {
        var failure = await Assert.ThrowsAnyAsync<RedisServerException>(() =>
            stock.Database.ScriptEvaluateAsync("return redis.error_reply(ARGV[1])", [], [error]));

        Assert.StartsWith(error, failure.Message, StringComparison.Ordinal);
        Assert.Equal(isOutage, StockOutage.Explains(failure));
    }

    [Fact]
    public async Task A_transaction_that_a_full_redis_discards_is_an_outage()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.AdminConnectionString);
        await redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        var transaction = redis.GetDatabase().CreateTransaction();
        var write = transaction.StringSetAsync("a", 1);

        var whole = await Assert.ThrowsAsync<RedisServerException>(() => transaction.ExecuteAsync());
        var part = await Assert.ThrowsAnyAsync<Exception>(() => write);

        Assert.StartsWith("EXECABORT", whole.Message, StringComparison.Ordinal);
        Assert.True(StockOutage.Explains(whole) && StockOutage.Explains(part));
    }

    [Fact]
    public async Task A_call_that_the_client_gives_up_is_an_outage_whatever_exception_it_throws()
    {
        Exception[] given =
        [
            new IOException("Broken pipe"), new InvalidOperationException("Writing is not allowed."),
            new TaskCanceledException(),
        ];
        foreach (var words in given)
        {
            var one = await Assert.ThrowsAsync<RedisConnectionException>(
                () => Task.FromException<int>(words).OrFailedAsync());
            var several = await Assert.ThrowsAsync<RedisConnectionException>(
                () => Task.WhenAll(Task.CompletedTask, Task.FromException(words)).OrFailedAsync());

            Assert.Equal([words, words], [one.InnerException, several.InnerException]);
        }

        await Assert.ThrowsAsync<NotSupportedException>(
            () => Task.FromException(new NotSupportedException()).OrFailedAsync());
    }
}
