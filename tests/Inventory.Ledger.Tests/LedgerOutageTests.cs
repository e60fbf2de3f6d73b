using Inventory.Storage;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>Confirms while an operator ends their sessions.</summary>
[Collection(OneServer.Name)]
public sealed class LedgerOutageTests(LedgerDatabases databases)
{
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
            Assert.True((await Assert.ThrowsAnyAsync<StoreException>(() => one)).IsOutage);
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
