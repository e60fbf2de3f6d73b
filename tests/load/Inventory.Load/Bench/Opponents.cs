using Inventory.Load.Rivals;
using Inventory.Load.Stack;
using Inventory.Testing;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>The programs that the product is compared with. They use its PostgreSQL and Redis.</summary>
internal sealed class Opponents : IDisposable
{
    private const string Database = "rivals";
    private const string RivalUnits = "100000000";

    /// <summary>
    /// Connections of the rivals to PostgreSQL, and of pgbench. Further requests wait in the pool, which is faster
    /// than waiting for the row lock. The server allows 100 connections, and the product needs some of them.
    /// </summary>
    public const int PoolSize = 32;

    private readonly List<ChildProgram> programs = [];

    private Opponents(string database) => Connection = database;

    /// <summary>How Npgsql connects to the rivals' database.</summary>
    public string Connection { get; }

    /// <summary>The address of the empty handler and the rivals.</summary>
    public Uri Rivals => programs[0].Address;

    /// <summary>The address of YARP in front of the rivals.</summary>
    public Uri Proxy => programs[1].Address;

    /// <summary>The address of a second gateway with rate limits switched off.</summary>
    public Uri Unlimited => programs[2].Address;

    /// <summary>
    /// An extra gateway and API, with telemetry sent to the dashboard or without, to measure its cost.
    /// </summary>
    public (Uri Gateway, int[] ProcessIds) Observed(bool telemetry)
    {
        var first = telemetry ? 3 : 5;
        return (programs[first + 1].Address, [programs[first].ProcessId, programs[first + 1].ProcessId]);
    }

    /// <summary>Starts all programs, with empty tables.</summary>
    public static async Task<Opponents> StartAsync(RunningStack stack, CancellationToken stop)
    {
        var postgres = await PrepareAsync(stack, stop);
        var opponents = new Opponents(postgres);
        try
        {
            var none = new Dictionary<string, string>();
            var self = typeof(Opponents).Assembly.Location;
            var port = Ports.Free();
            opponents.programs.Add(await ChildProgram.StartAsync(self, port, ["rivals", $"{port}"],
                new Dictionary<string, string> { ["POSTGRES"] = postgres, ["REDIS"] = stack.Redis }, stop));
            port = Ports.Free();
            opponents.programs.Add(await ChildProgram.StartAsync(
                self, port, ["proxy", $"{port}", $"{opponents.Rivals}"], none, stop));
            port = Ports.Free();
            opponents.programs.Add(await ChildProgram.StartAsync(
                Repository.Assembly("Inventory.Gateway"), port, [], Gateway(stack, port), stop));
            await opponents.StartObservedAsync(stack, telemetry: true, stop);
            await opponents.StartObservedAsync(stack, telemetry: false, stop);
            return opponents;
        }
        catch
        {
            opponents.Dispose();
            throw;
        }
    }

    /// <summary>Stops the programs.</summary>
    public void Dispose()
    {
        foreach (var program in programs) program.Dispose();
    }

    private async Task StartObservedAsync(RunningStack stack, bool telemetry, CancellationToken stop)
    {
        var api = Ports.Free();
        var settings = Observed("reservation-api", api);
        settings["ConnectionStrings__ledger"] = stack.Ledger;
        programs.Add(await ChildProgram.StartAsync(
            Repository.Assembly("Inventory.ReservationApi"), api, [], settings, stop));
        var gateway = Ports.Free();
        settings = Observed("gateway", gateway);
        settings["services__reservation-api__http__0"] = $"http://127.0.0.1:{api}";
        programs.Add(await ChildProgram.StartAsync(
            Repository.Assembly("Inventory.Gateway"), gateway, [], settings, stop));

        // The variables that Aspire sets for its services.
        Dictionary<string, string> Observed(string name, int port)
        {
            var observed = new Dictionary<string, string>
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
                ["ConnectionStrings__redis"] = stack.Redis,
            };
            if (!telemetry) return observed;
            (observed["OTEL_EXPORTER_OTLP_ENDPOINT"], observed["OTEL_EXPORTER_OTLP_HEADERS"]) = stack.Collector;
            observed["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
            observed["OTEL_SERVICE_NAME"] = $"bench-{name}";
            observed["OTEL_TRACES_SAMPLER"] = "always_on";
            observed["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
            return observed;
        }
    }

    private static Dictionary<string, string> Gateway(RunningStack stack, int port)
    {
        var settings = new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["ConnectionStrings__redis"] = stack.Redis,
            ["Gateway__RateLimits__Reserve__Address__Permits"] = "0",
            ["Gateway__RateLimits__Reserve__Session__Permits"] = "0",
        };
        foreach (var (index, replica) in stack.Addresses("reservation-api").Index())
        {
            settings[$"services__reservation-api__http__{index}"] = replica.GetLeftPart(UriPartial.Authority);
        }
        return settings;
    }

    /// <summary>Creates a separate database on the product's server, and a counter in its Redis.</summary>
    private static async Task<string> PrepareAsync(RunningStack stack, CancellationToken stop)
    {
        await using (var ledger = NpgsqlDataSource.Create(stack.Ledger))
        {
            await using var create = ledger.CreateCommand($"CREATE DATABASE {Database}");
            await create.ExecuteNonQueryAsync(stop);
        }
        var connection = new NpgsqlConnectionStringBuilder(stack.Ledger)
        {
            Database = Database,
            MaxPoolSize = PoolSize,
            // In the rivals' favour: PostgreSQL plans the product's statements for each transaction.
            MaxAutoPrepare = 20,
            AutoPrepareMinUsages = 2,
        }.ConnectionString;
        await using var rivals = NpgsqlDataSource.Create(connection);
        await using var tables = rivals.CreateCommand(PostgresRivals.Schema);
        await tables.ExecuteNonQueryAsync(stop);

        await using var redis = await ConnectionMultiplexer.ConnectAsync(stack.Redis);
        var database = redis.GetDatabase();
        foreach (var sku in Enumerable.Range(1, 10_000).Select(n => $"many-{n}").Append("hot").Chunk(1_000))
        {
            await Task.WhenAll(sku.Select(name =>
                database.StringSetAsync($"{RedisLockRival.Prefix}stock:{name}", RivalUnits)));
        }
        return connection;
    }
}
