using Inventory.Contracts;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>A failed call fails all requests that share it or wait behind it; later requests work again.</summary>
public sealed class TogetherOutageTests : IAsyncLifetime
{
    private RedisServer server = null!;
    private ConnectionMultiplexer redis = null!;
    private StockStores engine = null!;

    public async Task InitializeAsync()
    {
        server = await RedisServer.StartAsync(RedisPersistence.Written);
        redis = await ConnectionMultiplexer.ConnectAsync(
            server.AdminConnectionString + ",asyncTimeout=1000,abortConnect=false");
        engine = new(redis, Options.Create(new StockOptions()));
        await engine.Maintenance.LiftFenceAsync();
        await engine.Levels.SetStockAsync(new("sku", 1_000, 1, null, false));
        Assert.Equal(ReserveOutcome.Held, (await AskAsync(0)).Outcome);
    }

    public async Task DisposeAsync()
    {
        await redis.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_fenced_partition_refuses_every_request_of_a_batch()
    {
        await redis.GetDatabase().KeyDeleteAsync(default(Partition).Epoch);

        var answers = await Task.WhenAll(Enumerable.Range(1, 100).Select(AskAsync));

        Assert.All(answers, answer => Assert.Equal(ReserveOutcome.Fenced, answer.Outcome));
        var pins = await Task.WhenAll(Enumerable.Range(1, 100).Select(_ => PinAsync()));
        Assert.All(pins, pin => Assert.Equal(PinOutcome.Fenced, pin.Outcome));
        var commits = await Task.WhenAll(Enumerable.Range(1, 100).Select(_ => CommitAsync()));
        Assert.All(commits, commit => Assert.Equal(CommitOutcome.Fenced, commit));
    }

    [Theory]
    [InlineData("reserve")]
    [InlineData("pin")]
    [InlineData("commit")]
    public async Task All_callers_time_out_with_one_call_when_Redis_hangs(string script)
    {
        await using var other = await ConnectionMultiplexer.ConnectAsync(redis.Configuration);
        await Together.PauseAsync(other);

        var failures = new List<Exception>();
        foreach (var call in Enumerable.Range(1, 100).Select(i => CallAsync(script, i)).ToList())
        {
            failures.Add(await Assert.ThrowsAsync<StoreUnansweredException>(() => call));
        }

        Assert.Single(failures.Distinct(ReferenceEqualityComparer.Instance));
        await other.GetDatabase().ExecuteAsync("CLIENT", "UNPAUSE");
        Assert.Equal(ReserveOutcome.Held, (await AskAsync(101)).Outcome);
    }

    [Fact]
    public async Task All_callers_fail_when_Redis_dies_and_are_served_after_its_restart()
    {
        await Together.PauseAsync(redis);
        var calls = Enumerable.Range(1, 100).Select(AskAsync).ToList();

        await server.KillAsync();

        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAnyAsync<StoreException>(() => call);
            Assert.True(failure.IsOutage, failure.ToString());
        }

        await server.RestartAsync();
        await Eventually.GetAsync(
            () => engine.Levels.SnapshotAsync("sku"), _ => true,
            isTransient: e => e is StoreException { IsOutage: true });
        await engine.Maintenance.LiftFenceAsync();
        var again = await Task.WhenAll(Enumerable.Range(1, 100).Select(AskAsync));
        Assert.All(again, answer => Assert.Equal(ReserveOutcome.Held, answer.Outcome));
    }

    private Task<ReserveAnswer> AskAsync(int shopper) =>
        engine.Holds.ReserveAsync(EngineFixture.Request($"user-{shopper}", new Line("sku", 1)));

    private Task<PinAnswer> PinAsync() => engine.Confirmations.PinAsync(Guid.NewGuid(), TimeSpan.FromMinutes(1));

    private Task<CommitOutcome> CommitAsync() => engine.Confirmations.CommitAsync(
        Guid.NewGuid(), [new("sku", 1_000, 1)]);

    private Task CallAsync(string script, int shopper) => script switch
    {
        "pin" => PinAsync(),
        "commit" => CommitAsync(),
        _ => AskAsync(shopper),
    };
}
