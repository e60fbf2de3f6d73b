using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Who has paid in time while Redis was away gets the order, however many wait for the units.</summary>
public sealed class LatePaymentTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly Stores stores = new();

    private static Partition Only => default;

    public Task InitializeAsync() => stores.InitializeAsync();

    public Task DisposeAsync() => stores.DisposeAsync();

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    [Theory]
    [InlineData(Outage.Killed)]
    [InlineData(Outage.Frozen)]
    public async Task A_payment_of_an_outage_comes_before_the_expiry_of_its_hold(Outage outage)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(3);
        var held = (await worker.ReserveAsync(sku, "a", 3)).Reservation!;
        await stores.HoldRowAsync(sku, 3, "pending", held.ExpiresAt, 1, "u:a", held.Id);
        await stores.StoredAsync((await worker.Engine.ReadLastEventIdAsync(Only))!);
        await using var crowd = new Crowd(sku);
        await crowd.ConnectAsync(stores);
        // Due from now on, which nobody has had the time to see.
        var due = new[] { Only.DueOf(sku).ToString(), Only.Due.ToString() };
        await worker.Redis.GetDatabase().ScriptEvaluateAsync(
            $"redis.call('ZADD', '{due[0]}', 1, redis.call('ZRANGE', '{due[0]}', 0, 0)[1]) "
            + $"redis.call('ZADD', '{due[1]}', 1, '{sku}')");
        if (outage == Outage.Killed) await stores.Redis.KillAsync();
        else stores.Redis.Freeze();

        await stores.ExecuteAsync(
            $$"""
            INSERT INTO payment_events (event_id, type, reservation_id, payment_id, occurred_at, body)
            VALUES ('evt-1', 'payment.approved', '{{held.Id}}', 'pay-1', now(), '{}')
            """);
        // They wait at the door: the first calls that Redis answers are theirs.
        if (outage == Outage.Killed)
        {
            // A lost connection would take its time to come back: theirs is new.
            await stores.Redis.RestartAsync();
            await crowd.ConnectAsync(stores);
            crowd.Start();
        }
        else
        {
            crowd.Start();
            var frozen = Stopwatch.StartNew();
            await Worker.UntilAsync(() => Task.FromResult(frozen.Elapsed > TimeSpan.FromSeconds(6)));
            stores.Redis.Thaw();
        }

        await Worker.UntilAsync(() => stores.ReadAsync<bool>(
            "SELECT processed_at IS NOT NULL FROM payment_events WHERE event_id = 'evt-1'"));
        Assert.Equal(1L, await stores.ReadAsync<long>("SELECT count(*) FROM orders WHERE status = 'CONFIRMED'"));
        await Worker.UntilAsync(async () =>
            (await worker.Engine.FindAsync(held.Id)).Reservation!.Status == ReservationStatus.Confirmed);
        // Nobody gave it back, nobody else had it, and it never had to be taken anew.
        var events = await worker.Engine.ReadStreamAsync(Only, null, 10_000);
        Assert.Equal(
            ["reserved", "confirmed"],
            events.Records.Select(record => record.Parse()).Where(of => of.ReservationId == held.Id)
                .Select(of => of.Type));
        Assert.DoesNotContain(ReserveOutcome.Held, crowd.Outcomes);
        var snapshot = await worker.Engine.SnapshotAsync(sku);
        Assert.Equal((0, 0, 0), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
    }

    /// <summary>What happens to Redis.</summary>
    public enum Outage
    {
        Killed,
        Frozen,
    }

    /// <summary>Shoppers, and an expirer, who want the units back.</summary>
    private sealed class Crowd(string sku) : IAsyncDisposable
    {
        private readonly CancellationTokenSource leaving = new();
        private ConnectionMultiplexer? redis;
        private StockEngine engine = null!;
        private Task shopping = Task.CompletedTask;

        public ConcurrentBag<ReserveOutcome> Outcomes { get; } = [];

        /// <summary>Knows the server and its scripts then: only Redis stands between them and the units.</summary>
        public async Task ConnectAsync(Stores stores)
        {
            if (redis is not null) await redis.DisposeAsync();
            redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis.ConnectionString);
            engine = new(redis, Options.Create(new StockOptions()));
            await AskAsync();
            await engine.ExpireAsync(100);
        }

        public void Start() => shopping = Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => LoopAsync(i % 2 == 0 ? AskAsync : () => engine.ExpireAsync(100))));

        public async ValueTask DisposeAsync()
        {
            await leaving.CancelAsync();
            await shopping;
            if (redis is not null) await redis.DisposeAsync();
        }

        private async Task AskAsync() => Outcomes.Add((await engine.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer(Guid.NewGuid().ToString("N")),
            Lines = [new(sku, 1)],
            HoldFor = TimeSpan.FromMinutes(10),
        })).Outcome);

        private async Task LoopAsync(Func<Task> act)
        {
            while (!leaving.IsCancellationRequested)
            {
                try
                {
                    await act();
                }
                catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException)
                {
                    // They knock again.
                }
            }
        }
    }
}
