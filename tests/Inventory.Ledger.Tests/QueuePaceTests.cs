using Inventory.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>Many requests for places leave PostgreSQL free to decide the waiting tickets.</summary>
[Collection(OneServer.Name)]
public sealed class QueuePaceTests(LedgerDatabases databases)
{
    [Fact]
    public async Task After_a_shared_batch_new_requests_gather_for_the_next_batch()
    {
        var source = await databases.CreateMigratedAsync();
        var time = new PausedTime();
        using var queue = new WaitingQueue(source, time);
        // A single request is written at once.
        await EnqueueAsync(queue);
        await EnqueueAsync(queue);

        // While another session has the lock, one request is under way, and later ones share the next batch.
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
        var answer = await queue.EnqueueAsync(intent, 1_000, 1_000, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(EnqueueOutcome.Queued, answer.Outcome);
        return answer.Entry!.Place;
    }

    /// <summary>Time that stands still until the test moves it; it reports when the queue begins a pause.</summary>
    private sealed class PausedTime : FakeTimeProvider
    {
        private readonly TaskCompletionSource<TimeSpan> pause = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The length of the first pause; completes when the pause begins.</summary>
        public Task<TimeSpan> Pause => pause.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            // Longer timers are the queue's timeouts for PostgreSQL.
            if (dueTime < TimeSpan.FromSeconds(1)) pause.TrySetResult(dueTime);
            return timer;
        }
    }
}
