using Inventory.Contracts;
using Inventory.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>
/// The cost of a step of the queue depends on what it decides, even if PostgreSQL's statistics are from a time with few
/// waiting tickets and no holds.
/// </summary>
[Collection(OneServer.Name)]
public sealed class QueueLeadershipTests(LedgerDatabases databases)
{
    private const int Step = 500;

    [Fact]
    public async Task A_step_reads_only_its_own_places_however_many_tickets_wait()
    {
        var connection = await databases.Server.CreateDatabaseAsync();
        var source = await MigratedAsync(connection);
        await source.ExecuteAsync("ALTER TABLE waiting_queue SET (autovacuum_enabled = off)");
        await AddAsync(source, 20_000);
        // Rows are updated in another order than they were inserted, so that an index looks expensive.
        for (var part = 0; part < 5; part++)
        {
            await source.ExecuteAsync(
                $"""
                UPDATE waiting_queue SET state = 2, status = 409, answer = repeat(' ', 300), resolved_at = now()
                WHERE place % 5 = {part}
                """);
        }

        await AddAsync(source, 510);
        await source.ExecuteAsync("ANALYZE waiting_queue");
        await AddAsync(source, 5_000);
        await source.ExecuteAsync("UPDATE waiting_queue_load SET waiting = 5510");

        var read = await RowsReadAsync(connection, source, "waiting_queue", 45_510, async leadership =>
        {
            Assert.Equal(0, await leadership.ExpireAsync(TimeSpan.FromMinutes(15), Step, CancellationToken.None));
            var claimed = await leadership.ClaimAsync(Step, CancellationToken.None);
            Assert.Equal(Enumerable.Range(20_001, Step), claimed.Select(entry => (int)entry.Place));
            Assert.Equal(Step, await leadership.DecideAsync(
                [.. claimed.Select(entry => new QueueDecision(entry.Place, QueueState.Refused, 409, "{}"))],
                CancellationToken.None));
        });

        // Tickets that may have waited too long, twice the claimed tickets, and twice the decided ones.
        Assert.InRange(read, 4 * Step, 8 * Step);
    }

    [Fact]
    public async Task Ended_reservations_are_found_by_id_in_a_table_that_has_just_grown()
    {
        var connection = await databases.Server.CreateDatabaseAsync();
        var source = await MigratedAsync(connection);
        await source.ExecuteAsync("ALTER TABLE reservations SET (autovacuum_enabled = off)");
        await source.ExecuteAsync(
            """
            INSERT INTO reservations
                (partition, reservation_id, sequence, status, holder, deadline, lines, created_at, updated_at)
            SELECT 0, lpad(to_hex(n), 32, '0')::uuid, 1, CASE WHEN n % 2 = 0 THEN 'expired' ELSE 'pending' END, 'c:one',
                now(), '[{"sku": "shoe", "quantity": 2}]', now(), now()
            FROM generate_series(1, 20000) n
            """);
        var asked = Enumerable.Range(1, Step).Select(n => Guid.Parse($"{n:x32}")).ToArray();

        var read = await RowsReadAsync(connection, source, "reservations", 20_000, async leadership =>
        {
            var ended = await leadership.FindEndedAsync([.. asked, asked[1], Guid.NewGuid()], CancellationToken.None);
            Assert.Equal(asked.Where((_, i) => i % 2 == 1), ended.Keys.Order());
            Assert.All(ended.Values, one => Assert.Equal(
                ("expired", "c:one", new Line("shoe", 2)), (one.Status, one.Holder, Assert.Single(one.Lines))));
        });

        Assert.InRange(read, Step, 2 * Step);
    }

    /// <summary>
    /// The rows of a table that the queue's leader reads in one act, counted after <paramref name="written"/> writes.
    /// </summary>
    private static async Task<long> RowsReadAsync(
        string connection, NpgsqlDataSource source, string table, int written, Func<QueueLeadership, Task> act)
    {
        // A session reports its counters some time after its work, or when it ends.
        var before = await CountersAsync(source, table, counters => counters.Written == written);
        await using (var own = NpgsqlDataSource.Create(connection))
        {
            using var queue = new WaitingQueue(own, TimeProvider.System);
            await using var leadership = await queue.TakeLeadershipAsync(CancellationToken.None);
            await act(leadership!);
        }

        var after = await CountersAsync(source, table, counters => counters.Read > before.Read);
        return after.Read - before.Read;
    }

    private static Task<(long Written, long Read)> CountersAsync(
        NpgsqlDataSource source, string table, Func<(long Written, long Read), bool> isIt) =>
        Eventually.GetAsync(
            async () =>
            {
                var found = await source.ReadAsync<long[]>(
                    $"""
                    SELECT ARRAY[n_tup_ins + n_tup_upd, seq_tup_read + coalesce(idx_tup_fetch, 0)]
                    FROM pg_stat_user_tables WHERE relname = '{table}'
                    """);
                return (Written: found[0], Read: found[1]);
            },
            isIt);

    private async Task<NpgsqlDataSource> MigratedAsync(string connection)
    {
        var source = databases.Connect(connection);
        await using var context = LedgerDatabases.Open(source);
        await LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);
        return source;
    }

    private static Task<int> AddAsync(NpgsqlDataSource source, int count) => source.ExecuteAsync(
        $"""
        INSERT INTO waiting_queue (ticket, form, reservation_id, is_clients_id, holder, lines, hold_ms, on_existing,
            unsure)
        SELECT left(md5(random()::text || n), 22), 0, gen_random_uuid(), false, 'c:one', 'shoe:1', 1000, 0, false
        FROM generate_series(1, {count}) n
        """);
}
