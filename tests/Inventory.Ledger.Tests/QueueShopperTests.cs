using Inventory.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>A shopper has a bounded number of waiting places, over all instances of the API.</summary>
[Collection(OneServer.Name)]
public sealed class QueueShopperTests(LedgerDatabases databases)
{
    private const int Most = 3;

    [Fact]
    public async Task Concurrent_requests_of_one_shopper_at_two_instances_get_no_more_places_than_the_bound()
    {
        var source = await databases.CreateMigratedAsync();
        using var one = new WaitingQueue(source, TimeProvider.System);
        using var other = new WaitingQueue(source, TimeProvider.System);

        // The session as a customer and its carts are one shopper.
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(
            i => EnqueueAsync(i % 2 == 0 ? one : other, i % 3 == 0 ? "u:ann" : $"s:ann|cart-{i}", "u:ann")));

        Assert.Equal(Most, answers.Count(answer => answer.Outcome == EnqueueOutcome.Queued));
        var refused = answers.Where(answer => answer.Outcome == EnqueueOutcome.ShopperWaits).ToList();
        Assert.Equal(60 - Most, refused.Count);
        var first = answers.Where(answer => answer.Entry is not null).MinBy(answer => answer.Entry!.Place).Entry!;
        Assert.All(refused, answer => Assert.Equal(first.Ticket, answer.First));
        Assert.Equal(Most, await source.ReadAsync<int>("SELECT waiting FROM waiting_queue_load"));
        Assert.Equal(Most, await source.ReadAsync<long>("SELECT count(*) FROM waiting_queue WHERE is_shopper"));
    }

    [Fact]
    public async Task A_shoppers_places_leave_those_of_other_shoppers_and_backends_alone()
    {
        var source = await databases.CreateMigratedAsync();
        using var queue = new WaitingQueue(source, TimeProvider.System);
        for (var i = 0; i < Most; i++) await QueueAsync(queue, "u:ann", "u:ann");

        // The same customer and cart, as a backend names them.
        for (var i = 0; i < 2 * Most; i++) await QueueAsync(queue, i % 2 == 0 ? "u:ann" : "s:ann|cart", null);
        for (var i = 0; i < Most; i++) await QueueAsync(queue, "u:bob", "u:bob");

        Assert.Equal(EnqueueOutcome.ShopperWaits, (await EnqueueAsync(queue, "u:ann", "u:ann")).Outcome);
        Assert.Equal(EnqueueOutcome.ShopperWaits, (await EnqueueAsync(queue, "u:bob", "u:bob")).Outcome);
    }

    [Fact]
    public async Task Concurrent_copies_of_a_request_under_the_shoppers_own_id_get_one_place()
    {
        var source = await databases.CreateMigratedAsync();
        using var queue = new WaitingQueue(source, TimeProvider.System);
        var id = Guid.NewGuid();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => EnqueueAsync(queue, "u:ann", "u:ann", id)));

        Assert.Single(answers.Select(answer => answer.Entry!.Ticket).Distinct());
        Assert.Single(answers, answer => answer.Outcome == EnqueueOutcome.Queued);
        Assert.Equal(1, await source.ReadAsync<int>("SELECT waiting FROM waiting_queue_load"));
    }

    [Fact]
    public async Task A_cancelled_or_decided_place_makes_room()
    {
        var source = await databases.CreateMigratedAsync();
        using var queue = new WaitingQueue(source, TimeProvider.System);
        for (var i = 0; i < Most; i++) await QueueAsync(queue, "u:ann", "u:ann");
        var refused = await EnqueueAsync(queue, "u:ann", "u:ann");

        await queue.CancelAsync(refused.First!, CancellationToken.None);
        await QueueAsync(queue, "u:ann", "u:ann");
        Assert.Equal(EnqueueOutcome.ShopperWaits, (await EnqueueAsync(queue, "u:ann", "u:ann")).Outcome);
        await using var leadership = await queue.TakeLeadershipAsync(CancellationToken.None);
        var head = (await leadership!.ClaimAsync(1, CancellationToken.None)).Single();
        Assert.Equal("u:ann", head.Intent.Shopper);
        await leadership.DecideAsync([new(head.Place, QueueState.Refused, 409, "{}")], CancellationToken.None);

        await QueueAsync(queue, "u:ann", "u:ann");
        Assert.Equal(EnqueueOutcome.ShopperWaits, (await EnqueueAsync(queue, "u:ann", "u:ann")).Outcome);
    }

    [Fact]
    public async Task A_shoppers_request_reads_the_shoppers_own_places_however_many_wait()
    {
        var connection = await databases.Server.CreateDatabaseAsync();
        var source = databases.Connect(connection);
        await using var context = LedgerDatabases.Open(source);
        await LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);
        // The queue grows faster than its statistics.
        await source.ExecuteAsync("ALTER TABLE waiting_queue SET (autovacuum_enabled = off)");
        await AddAsync(source, 10);
        await source.ExecuteAsync("ANALYZE waiting_queue");
        await AddAsync(source, 5_000);
        await source.ExecuteAsync("UPDATE waiting_queue_load SET waiting = 5010");
        var before = await RowsReadAsync(source, (written, _) => written == 5_010);

        await using (var own = NpgsqlDataSource.Create(connection))
        {
            using var queue = new WaitingQueue(own, TimeProvider.System);
            for (var i = 0; i < Most; i++) await QueueAsync(queue, "u:ann", "u:ann");
        }

        // A session reports its counters when it ends.
        var after = await RowsReadAsync(source, (written, _) => written == 5_010 + Most);
        Assert.InRange(after - before, 0, 50);
    }

    private static async Task<long> RowsReadAsync(NpgsqlDataSource source, Func<long, long, bool> isIt)
    {
        var (_, read) = await Eventually.GetAsync(
            async () =>
            {
                var found = await source.ReadAsync<long[]>(
                    """
                    SELECT ARRAY[n_tup_ins, seq_tup_read + coalesce(idx_tup_fetch, 0)] FROM pg_stat_user_tables
                    WHERE relname = 'waiting_queue'
                    """);
                return (Written: found[0], Read: found[1]);
            },
            counters => isIt(counters.Written, counters.Read));
        return read;
    }

    private static Task<int> AddAsync(NpgsqlDataSource source, int count) => source.ExecuteAsync(
        $"""
        INSERT INTO waiting_queue (ticket, form, reservation_id, is_clients_id, holder, lines, hold_ms, on_existing,
            unsure, is_shopper)
        SELECT left(md5(random()::text || n), 22), 0, gen_random_uuid(), false, 'u:other-' || n, 'shoe:1', 1000, 0,
            false, true
        FROM generate_series(1, {count}) n
        """);

    private static async Task QueueAsync(WaitingQueue queue, string holder, string? shopper) =>
        Assert.Equal(EnqueueOutcome.Queued, (await EnqueueAsync(queue, holder, shopper)).Outcome);

    private static Task<EnqueueAnswer> EnqueueAsync(
        WaitingQueue queue, string holder, string? shopper, Guid? ownId = null)
    {
        var intent = new QueuedIntent
        {
            Form = 0,
            ReservationId = ownId ?? Guid.NewGuid(),
            IsClientsId = ownId is not null,
            Holder = holder,
            Lines = "shoe:1",
            HoldFor = TimeSpan.FromMinutes(1),
            OnExisting = 0,
            Shopper = shopper,
        };
        return queue.EnqueueAsync(intent, 1_000_000, Most, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }
}
