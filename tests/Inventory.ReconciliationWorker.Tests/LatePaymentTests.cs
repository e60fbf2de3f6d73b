using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>A payment made in time during an outage becomes an order, however many shoppers want the units.</summary>
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
    public async Task A_payment_of_an_outage_is_settled_before_its_hold_expires(Outage outage)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(3);
        var held = (await worker.ReserveAsync(sku, "a", 3)).Reservation!;
        await stores.HoldRowAsync(sku, 3, "pending", held.ExpiresAt, 1, "u:a", held.Id);
        await stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await using var crowd = new Crowd(sku);
        await crowd.ConnectAsync(stores);
        // The hold is due from now on, and no script has run since.
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
        // The shoppers' calls wait for Redis and are the first that it answers.
        if (outage == Outage.Killed)
        {
            // A lost connection would take time to reconnect, so the shoppers use a new one.
            await stores.Redis.RestartAsync();
            await crowd.ConnectAsync(stores);
            crowd.Start();
        }
        else
        {
            crowd.Start();
            var frozen = Stopwatch.StartNew();
            await Eventually.TrueAsync(() => frozen.Elapsed > TimeSpan.FromSeconds(6));
            stores.Redis.Thaw();
        }

        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            "SELECT processed_at IS NOT NULL FROM payment_events WHERE event_id = 'evt-1'"));
        Assert.Equal(1L, await stores.ReadAsync<long>("SELECT count(*) FROM orders WHERE status = 'CONFIRMED'"));
        await Eventually.TrueAsync(async () =>
            (await worker.Engine.Holds.FindAsync(held.Id)).Reservation!.Status == ReservationStatus.Confirmed);
        // The hold never expired and was never revived, and no other shopper got its units.
        var events = await worker.Engine.Events.ReadStreamAsync(Only, null, 10_000);
        Assert.Equal(
            ["reserved", "confirmed"],
            events.Records.Select(record => record.Parse()).Where(of => of.ReservationId == held.Id)
                .Select(of => of.Type));
        Assert.DoesNotContain(ReserveOutcome.Held, crowd.Outcomes);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((0, 0, 0), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
    }

    /// <summary>What happens to Redis.</summary>
    public enum Outage
    {
        Killed,
        Frozen,
    }

    /// <summary>Shoppers and expirers that compete for the units.</summary>
    private sealed class Crowd(string sku) : IAsyncDisposable
    {
        private readonly CancellationTokenSource leaving = new();
        private ConnectionMultiplexer? redis;
        private StockStores engine = null!;
        private Task shopping = Task.CompletedTask;

        public ConcurrentBag<ReserveOutcome> Outcomes { get; } = [];

        /// <summary>Connects and loads the scripts, so that later calls need nothing else.</summary>
        public async Task ConnectAsync(Stores stores)
        {
            if (redis is not null) await redis.DisposeAsync();
            redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis.ConnectionString);
            engine = new(redis, Options.Create(new StockOptions()));
            await AskAsync();
            await engine.Holds.ExpireAsync(100);
        }

        public void Start() => shopping = Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => LoopAsync(i % 2 == 0 ? AskAsync : () => engine.Holds.ExpireAsync(100))));

        public async ValueTask DisposeAsync()
        {
            await leaving.CancelAsync();
            await shopping;
            if (redis is not null) await redis.DisposeAsync();
        }

        private async Task AskAsync() => Outcomes.Add((await engine.Holds.ReserveAsync(new()
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
                catch (StoreException e) when (e.IsOutage)
                {
                    // The loop tries again.
                }
            }
        }
    }
}
