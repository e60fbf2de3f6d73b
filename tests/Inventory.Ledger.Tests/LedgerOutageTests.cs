using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>Errors that mean that PostgreSQL can't answer are outages; errors of a wrong request are not.</summary>
[Collection(OneServer.Name)]
public sealed class LedgerOutageTests(LedgerDatabases databases)
{
    private const string EndOwnSession = "SELECT pg_terminate_backend(pg_backend_pid())";

    [Theory]
    [InlineData("57P01", true)]
    [InlineData("57P02", true)]
    [InlineData("57P03", true)]
    [InlineData("57P05", true)]
    [InlineData("25P03", true)]
    [InlineData("25P04", true)]
    [InlineData("53100", true)]
    [InlineData("53300", true)]
    [InlineData("40001", true)]
    [InlineData("40P01", true)]
    [InlineData("3D000", true)]
    [InlineData("42P01", true)]
    [InlineData("22P05", false)]
    [InlineData("23505", false)]
    [InlineData("23514", false)]
    [InlineData("28P01", false)]
    [InlineData("42501", false)]
    [InlineData("42601", false)]
    [InlineData("42703", false)]
    [InlineData("P0001", false)]
    public async Task A_postgresql_error_is_an_outage_if_a_later_retry_can_succeed(string state, bool isOutage)
    {
        var failure = await Assert.ThrowsAsync<PostgresException>(() => databases.Shared.ExecuteAsync(
            $"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"));

        Assert.Equal((state, isOutage), (failure.SqlState, LedgerOutage.Explains(failure)));
    }

    [Fact]
    public async Task An_ended_session_and_a_missing_database_are_outages()
    {
        var ended = await Assert.ThrowsAnyAsync<Exception>(() => databases.Shared.ExecuteAsync(EndOwnSession));
        await using var nowhere = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(databases.Server.ConnectionString) { Database = "nowhere" });
        var missing = await Assert.ThrowsAnyAsync<Exception>(() => nowhere.ExecuteAsync("SELECT 1"));

        Assert.Equal("57P01", Assert.IsType<PostgresException>(ended).SqlState);
        Assert.Equal("3D000", Assert.IsType<PostgresException>(missing).SqlState);
        Assert.True(LedgerOutage.Explains(ended) && LedgerOutage.Explains(missing));
    }

    [Fact]
    public async Task Only_objects_that_npgsql_disposed_of_after_a_broken_connection_are_outages()
    {
        await using var connection = await databases.Shared.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var end = new NpgsqlCommand(EndOwnSession, connection);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => end.ExecuteNonQueryAsync());

        var completed = Assert.Throws<InvalidOperationException>(() => end.Transaction = transaction);
        var thrownAway = await Assert.ThrowsAsync<ObjectDisposedException>(() => transaction.CommitAsync());
        var stream = new MemoryStream();
        await stream.DisposeAsync();
        var others = Assert.Throws<ObjectDisposedException>(() => stream.ReadByte());
        var gone = Assert.Throws<NullReferenceException>(() => NpgsqlConnection.ClearPool(null!));
        var ours = Assert.Throws<NullReferenceException>(() => ((string)null!).Length.ToString());
        var none = Assert.Throws<InvalidOperationException>(() => Array.Empty<int>().First());

        Assert.All<Exception>([completed, thrownAway, gone], failure => Assert.True(LedgerOutage.Explains(failure)));
        Assert.All<Exception>([others, ours, none], failure => Assert.False(LedgerOutage.Explains(failure)));
    }

    [Fact]
    public async Task Outages_are_recognized_inside_exceptions_of_entity_framework()
    {
        await using var source = databases.Connect(await databases.Server.CreateDatabaseAsync());
        await using var context = LedgerDatabases.Open(source);
        // The database is not migrated.
        var unready = await Assert.ThrowsAnyAsync<Exception>(() => context.Products.ToListAsync());
        context.Products.Add(new() { SkuId = "a", Name = "A" });
        var unsaved = await Assert.ThrowsAsync<DbUpdateException>(() => context.SaveChangesAsync());
        await source.ExecuteAsync(
            """
            CREATE FUNCTION give_up() RETURNS int LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$
            """);
        var wrapped = await Assert.ThrowsAnyAsync<Exception>(() =>
            context.Database.SqlQueryRaw<int>("SELECT give_up() AS \"Value\"").ToListAsync());
        await using var migrated = LedgerDatabases.Open(databases.Shared);
        migrated.Inventory.Add(new() { SkuId = "no-such-product", Total = 1 });
        var wrong = await Assert.ThrowsAsync<DbUpdateException>(() => migrated.SaveChangesAsync());

        Assert.IsType<InvalidOperationException>(wrapped);
        Assert.All([unready, unsaved, wrapped], failure => Assert.True(LedgerOutage.Explains(failure)));
        Assert.False(LedgerOutage.Explains(wrong));
    }

    [Fact]
    public async Task A_confirm_is_retried_when_its_session_is_ended_once()
    {
        var (source, confirmations) = await EndingSessionsAsync(times: 1);

        var answer = await confirmations.ConfirmAsync(Cut(), CancellationToken.None);

        Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome);
        Assert.Equal((9, 1), await LevelAsync(source));
    }

    [Fact]
    public async Task Confirms_report_an_outage_when_their_session_is_ended_twice_and_may_be_repeated()
    {
        var (source, confirmations) = await EndingSessionsAsync(times: 2);
        var requests = Enumerable.Range(0, 8).Select(_ => Cut()).ToList();

        // The first confirm waits for the row, so that the following ones are one batch.
        await using var blocker = await source.OpenConnectionAsync();
        await using var blocking = await blocker.BeginTransactionAsync();
        await using (var block = new NpgsqlCommand("SELECT FROM inventory FOR UPDATE", blocker))
        {
            await block.ExecuteNonQueryAsync();
        }
        var first = confirmations.ConfirmAsync(ConfirmationTests.Request(("a", 1)), CancellationToken.None);
        await Eventually.TrueAsync(() =>
            source.ReadAsync<bool>("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"));
        var together = requests.ConvertAll(request => confirmations.ConfirmAsync(request, CancellationToken.None));
        await blocking.CommitAsync();
        await first;
        foreach (var one in together)
        {
            Assert.True(LedgerOutage.Explains(await Assert.ThrowsAnyAsync<Exception>(() => one)));
        }
        var afterwards = await LevelAsync(source);
        var repeated = await Task.WhenAll(
            requests.Select(request => confirmations.ConfirmAsync(request, CancellationToken.None)));

        Assert.Equal((9, 1), afterwards);
        Assert.All(repeated, answer => Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome));
        Assert.Equal((1, 9), await LevelAsync(source));
    }

    private static ConfirmRequest Cut() => ConfirmationTests.Request(("a", 1)) with { Holder = "u:cut" };

    /// <summary>The units left and the number of orders.</summary>
    private static async Task<(int Total, long Orders)> LevelAsync(NpgsqlDataSource source) =>
        ((await source.LevelAsync("a")).Total, await source.ReadAsync<long>("SELECT count(*) FROM orders"));

    /// <summary>
    /// A ledger with 10 units that ends this many sessions while they write orders of <see cref="Cut"/>, as an operator
    /// may do. A sequence counts the sessions, because its value survives the transaction.
    /// </summary>
    private async Task<(NpgsqlDataSource Source, Confirmations Confirmations)> EndingSessionsAsync(int times)
    {
        var source = await databases.CreateMigratedAsync();
        await source.ExecuteAsync(
            $$"""
            INSERT INTO products (sku_id, name) VALUES ('a', 'A');
            INSERT INTO inventory (sku_id, total) VALUES ('a', 10);
            CREATE SEQUENCE written;
            CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('written') <= {{times}} THEN
                    PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(60);
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER end_session BEFORE INSERT ON orders
                FOR EACH ROW WHEN (NEW.holder = 'u:cut') EXECUTE FUNCTION end_session();
            """);
        return (source, new(source));
    }
}
