using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>A crowd that comes for places leaves room for those who are worked off.</summary>
[Collection(OneServer.Name)]
public sealed class QueuePaceTests(LedgerDatabases databases)
{
    [Fact]
    public async Task After_a_shared_batch_those_who_come_gather_for_the_next()
    {
        var source = await databases.CreateMigratedAsync();
        var time = new PausedTime();
        using var queue = new WaitingQueue(source, time);
        // Alone, each is written at once.
        await EnqueueAsync(queue);
        await EnqueueAsync(queue);

        // While somebody else has the lock, one is on its way, and those after it share the next batch.
        await using (var connection = await source.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var lockLoad = new NpgsqlCommand("SELECT FROM waiting_queue_load FOR UPDATE", connection);
            await lockLoad.ExecuteNonQueryAsync();
            var shared = Enumerable.Range(0, 3).Select(_ => EnqueueAsync(queue)).ToList();
            await transaction.CommitAsync();
            await Task.WhenAll(shared);
        }

        var pause = await time.Pause.WaitAsync(TimeSpan.FromSeconds(30));
        var gathered = Enumerable.Range(0, 20).Select(_ => EnqueueAsync(queue)).ToList();
        time.Advance(pause);
        var places = await Task.WhenAll(gathered);

        Assert.Equal(1, await source.ReadAsync<long>(
            $"SELECT count(DISTINCT xmin::text) FROM waiting_queue WHERE place >= {places.Min()}"));
        Assert.Equal(25, await source.ReadAsync<int>("SELECT waiting FROM waiting_queue_load"));
    }

    private static async Task<long> EnqueueAsync(WaitingQueue queue)
    {
        var intent = new QueuedIntent
        {
            Form = 0,
            ReservationId = Guid.NewGuid(),
            IsClientsId = false,
            Holder = "c:one",
            Lines = "shoe:1",
            HoldFor = TimeSpan.FromMinutes(1),
            OnExisting = 0,
        };
        var answer = await queue.EnqueueAsync(intent, 1_000, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(EnqueueOutcome.Queued, answer.Outcome);
        return answer.Entry!.Place;
    }

    /// <summary>Time that stands still until a test moves it, which learns when the queue begins a pause.</summary>
    private sealed class PausedTime : FakeTimeProvider
    {
        private readonly TaskCompletionSource<TimeSpan> pause = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>How long the first pause is to be, as soon as it has begun.</summary>
        public Task<TimeSpan> Pause => pause.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            // Longer timers are the queue's patience with PostgreSQL.
            if (dueTime < TimeSpan.FromSeconds(1)) pause.TrySetResult(dueTime);
            return timer;
        }
    }
}
