using System.Collections.Concurrent;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>
/// What a call to PostgreSQL throws, however it fails. Errors that mean that PostgreSQL can't answer are outages;
/// errors of a wrong request are not.
/// </summary>
[Collection(OneServer.Name)]
public sealed class SqlTests(LedgerDatabases databases)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(10);

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
        var failure = await Assert.ThrowsAsync<StoreRejectedException>(() => RunAsync(
            databases.Shared, $"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"));

        Assert.Equal((state, isOutage, $"{state} no"), (failure.Code, failure.IsOutage, failure.Message));
        Assert.Equal(Store.PostgreSql, failure.Store);
    }

    [Fact]
    public async Task An_ended_session_and_a_missing_database_are_outages()
    {
        var ended = await Assert.ThrowsAsync<StoreRejectedException>(() => RunAsync(databases.Shared, EndOwnSession));
        await using var nowhere = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(databases.Server.ConnectionString) { Database = "nowhere" });
        var missing = await Assert.ThrowsAsync<StoreRejectedException>(() => RunAsync(nowhere, "SELECT 1"));

        Assert.Equal(("57P01", "3D000"), (ended.Code, missing.Code));
        Assert.True(ended.IsOutage && missing.IsOutage);
    }

    [Fact]
    public async Task A_refusal_names_the_violated_constraint()
    {
        var failure = await Assert.ThrowsAsync<StoreRejectedException>(() => RunAsync(
            databases.Shared, "INSERT INTO inventory (sku_id, total) VALUES ('no-such-product', 1)"));

        Assert.Equal("23503", failure.Code);
        Assert.EndsWith("(fk_inventory_products_sku_id)", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_on_a_session_that_has_ended_is_an_outage_and_a_wrong_call_is_a_bug()
    {
        await using var connection = await databases.Shared.ConnectAsync(CancellationToken.None);
        var twice = await Assert.ThrowsAsync<InvalidOperationException>(
            () => connection.CallAsync(() => Task.FromResult(Array.Empty<int>().First())));
        await Assert.ThrowsAsync<StoreRejectedException>(
            () => connection.ExecuteAsync(EndOwnSession, CancellationToken.None));

        var used = await Assert.ThrowsAsync<StoreUnansweredException>(
            () => connection.ExecuteAsync("SELECT 1", CancellationToken.None));
        var begun = await Assert.ThrowsAsync<StoreUnansweredException>(
            () => connection.InTransactionAsync(() => Task.FromResult(1), CancellationToken.None));

        Assert.Null(StoreException.In(twice));
        Assert.True(used.IsDisconnected && begun.IsDisconnected);
    }

    [Fact]
    public async Task A_transaction_whose_session_is_ended_before_its_commit_is_an_outage()
    {
        var failure = await Assert.ThrowsAnyAsync<StoreException>(() => databases.Shared.InTransactionAsync(
            async connection =>
            {
                await Assert.ThrowsAnyAsync<StoreException>(
                    () => connection.ExecuteAsync(EndOwnSession, CancellationToken.None));
                return 1;
            },
            CancellationToken.None));

        Assert.True(failure.IsOutage);
    }

    [Fact]
    public async Task A_cancelled_call_stays_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        await using var connection = await databases.Shared.ConnectAsync(CancellationToken.None);
        var call = connection.ExecuteAsync("SELECT pg_sleep(60)", cancelled.Token);

        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task Failures_are_found_inside_the_exceptions_of_entity_framework()
    {
        await using var source = databases.Connect(await databases.Server.CreateDatabaseAsync());
        await using var context = LedgerDatabases.Open(source);
        // The database is not migrated.
        var unready = await FailAsync(() => context.Products.ToListAsync());
        context.Products.Add(new() { SkuId = "a", Name = "A" });
        var unsaved = await FailAsync(() => context.SaveChangesAsync());
        await RunAsync(
            source,
            """
            CREATE FUNCTION give_up() RETURNS int LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$
            """);
        var wrapped = await FailAsync(
            () => context.Database.SqlQueryRaw<int>("SELECT give_up() AS \"Value\"").ToListAsync());
        await using var migrated = LedgerDatabases.Open(databases.Shared);
        migrated.Inventory.Add(new() { SkuId = "no-such-product", Total = 1 });
        var wrong = await FailAsync(() => migrated.SaveChangesAsync());

        Assert.All([unready, unsaved, wrapped], failure => Assert.True(failure.IsOutage));
        Assert.Equal(("23503", false), (Assert.IsType<StoreRejectedException>(wrong).Code, wrong.IsOutage));
    }

    [Fact]
    public async Task No_exception_of_the_client_passes_while_a_server_is_killed_and_restarted_again_and_again()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            MaxPoolSize = 8,
            Timeout = 1,
            CommandTimeout = 1,
            CancellationTimeout = 100,
        });
        using var ending = new CancellationTokenSource();
        var others = new ConcurrentBag<Exception>();
        var loops = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                try
                {
                    await source.InTransactionAsync(
                        connection => connection.ReadAsync(
                            "SELECT repeat('x', 100) FROM generate_series(1, 2000)", row => row.GetString(0),
                            CancellationToken.None),
                        CancellationToken.None);
                }
                catch (StoreException e) when (e.IsOutage)
                {
                    // The server is gone for a moment.
                    await Task.Delay(RetryPause);
                }
                catch (Exception e)
                {
                    others.Add(e);
                }
            }
        })).ToList();

        for (var i = 0; i < 3; i++)
        {
            while (!await AnswersAsync(source)) await Task.Delay(RetryPause);
            await server.KillAsync();
            await server.RestartAsync();
        }

        await ending.CancelAsync();
        await Task.WhenAll(loops);

        Assert.Empty(others);
    }

    [Fact]
    public async Task A_frozen_server_accepts_no_connection_and_a_long_statement_has_no_answer()
    {
        await using var server = await PostgresServer.StartAsync();
        var address = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Timeout = 1, CommandTimeout = 1 };
        await using var source = NpgsqlDataSource.Create(address);
        await using var connection = await source.ConnectAsync(CancellationToken.None);
        server.Freeze();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => source.ConnectAsync(CancellationToken.None));
        var late = await Assert.ThrowsAsync<StoreUnansweredException>(
            () => connection.ExecuteAsync("SELECT pg_sleep(60)", CancellationToken.None));

        Assert.False(late.IsDisconnected);
        server.Thaw();
    }

    private static Task<int> RunAsync(NpgsqlDataSource source, string sql) =>
        source.ExecuteAsync(sql, CancellationToken.None);

    private static Task<StoreException> FailAsync<T>(Func<Task<T>> act) =>
        Assert.ThrowsAnyAsync<StoreException>(() => LedgerCalls.RunAsync(act));

    private static async Task<bool> AnswersAsync(NpgsqlDataSource source)
    {
        try
        {
            await RunAsync(source, "SELECT 1");
            return true;
        }
        catch (StoreException e) when (e.IsOutage)
        {
            return false;
        }
    }
}
