using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Standins.Clients.Tests;

[Collection(nameof(Servers))]
public sealed class PostgresClientTests(Servers servers)
{
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_context_works_is_pooled_retries_and_is_healthy()
    {
        using var host = Build(
            await servers.Postgres.CreateDatabaseAsync(),
            builder => builder.AddNpgsqlDbContext<LedgerContext>("ledger"));

        await using (var scope = host.Services.CreateAsyncScope())
        {
            var context = scope.ServiceProvider.GetRequiredService<LedgerContext>();
            await context.Database.EnsureCreatedAsync();
            context.Units.Add(new Unit(1, "stored"));
            await context.SaveChangesAsync();
            Assert.True(context.Database.CreateExecutionStrategy().RetriesOnFailure);
        }

        await using (var scope = host.Services.CreateAsyncScope())
        {
            var context = scope.ServiceProvider.GetRequiredService<LedgerContext>();
            Assert.Equal("stored", (await context.Units.SingleAsync()).Name);
        }

        var (report, _) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Healthy, report.Entries[nameof(LedgerContext)].Status);
        Assert.Empty(report.Entries[nameof(LedgerContext)].Tags);
    }

    [Fact]
    public async Task A_frozen_and_a_stopped_server_are_unhealthy_soon()
    {
        await using var postgres = await PostgresServer.StartAsync();
        // A session that is open already goes on, and would truthfully be healthy.
        using var host = Build(postgres.ConnectionString + ";Pooling=false", builder =>
        {
            builder.AddNpgsqlDbContext<LedgerContext>("ledger");
            builder.AddNpgsqlDataSource("ledger");
        });
        Assert.Equal(HealthStatus.Healthy, (await Servers.CheckAsync(host.Services)).Report.Status);

        postgres.Freeze();
        var (frozen, takenFrozen) = await Servers.CheckAsync(host.Services);
        postgres.Thaw();
        await postgres.StopAsync();
        var (stopped, takenStopped) = await Servers.CheckAsync(host.Services);

        foreach (var report in new[] { frozen, stopped })
        {
            Assert.Equal(HealthStatus.Unhealthy, report.Entries[nameof(LedgerContext)].Status);
            Assert.Equal(HealthStatus.Unhealthy, report.Entries["PostgreSql"].Status);
        }

        Assert.InRange(takenFrozen, TimeSpan.Zero, Prompt);
        Assert.InRange(takenStopped, TimeSpan.Zero, Prompt);
    }

    [Fact]
    public async Task Retries_can_be_turned_off_and_a_timeout_set_by_configuration()
    {
        using var host = Build(servers.Postgres.ConnectionString, builder =>
        {
            builder.Configuration["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableRetry"] = "true";
            builder.Configuration["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:LedgerContext:CommandTimeout"] = "7";
            builder.AddNpgsqlDbContext<LedgerContext>("ledger", settings => settings.DisableHealthChecks = true);
        });
        await using var scope = host.Services.CreateAsyncScope();

        var database = scope.ServiceProvider.GetRequiredService<LedgerContext>().Database;

        Assert.False(database.CreateExecutionStrategy().RetriesOnFailure);
        Assert.Equal(7, database.GetCommandTimeout());
        Assert.Empty((await Servers.CheckAsync(host.Services)).Report.Entries);
    }

    [Fact]
    public async Task A_context_registered_by_hand_is_enriched_and_not_registered_twice()
    {
        using var host = Build(servers.Postgres.ConnectionString, builder =>
        {
            Assert.Throws<InvalidOperationException>(() => builder.EnrichNpgsqlDbContext<LedgerContext>());
            builder.Services.AddDbContextPool<LedgerContext>(
                options => options.UseNpgsql(builder.Configuration.GetConnectionString("ledger")));
            Assert.Throws<InvalidOperationException>(() => builder.AddNpgsqlDbContext<LedgerContext>("ledger"));
            builder.EnrichNpgsqlDbContext<LedgerContext>();
        });
        await using var scope = host.Services.CreateAsyncScope();

        var database = scope.ServiceProvider.GetRequiredService<LedgerContext>().Database;

        Assert.True(database.CreateExecutionStrategy().RetriesOnFailure);
        var (report, _) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Healthy, report.Entries[nameof(LedgerContext)].Status);
    }

    [Fact]
    public async Task A_keyed_data_source_has_a_check_of_its_own()
    {
        using var host = Build(
            servers.Postgres.ConnectionString, builder => builder.AddKeyedNpgsqlDataSource("ledger"));

        var source = host.Services.GetRequiredKeyedService<NpgsqlDataSource>("ledger");
        await using var command = source.CreateCommand("SELECT 42");

        Assert.Equal(42, await command.ExecuteScalarAsync());
        var (report, _) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Healthy, report.Entries["PostgreSql_ledger"].Status);
    }

    private static IHost Build(string connectionString, Action<IHostApplicationBuilder> add)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging();
        builder.Services.AddHealthChecks();
        builder.Configuration["ConnectionStrings:ledger"] = connectionString;
        add(builder);
        return builder.Build();
    }
}
