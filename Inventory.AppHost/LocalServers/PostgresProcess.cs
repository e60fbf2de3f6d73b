using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Inventory.AppHost.LocalServers;

/// <summary>PostgreSQL: the newest of Debian's packages, or <c>postgres</c> on the path.</summary>
internal sealed class PostgresProcess(string name, string script, string folder, ParameterResource password)
    : ServerProcess(name, script, folder)
{
    /// <inheritdoc/>
    public override ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
        $"Host={Part(EndpointProperty.Host)};Port={Part(EndpointProperty.Port)};Username=postgres;Password={password}");

    private EndpointReferenceExpression Part(EndpointProperty part) => Endpoint.Property(part);
}

/// <summary>A database of a <see cref="PostgresProcess"/>.</summary>
internal sealed class PostgresProcessDatabase(string name, PostgresProcess server)
    : Resource(name), IResourceWithParent<PostgresProcess>, IResourceWithConnectionString
{
    /// <inheritdoc/>
    public PostgresProcess Parent => server;

    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Parent};Database={Name}");

    /// <summary>Creates the database, unless an earlier run did.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        var server = await Parent.ConnectionStringExpression.GetValueAsync(cancellationToken);
        await using var postgres = NpgsqlDataSource.Create($"{server};Database=postgres;Pooling=false");
        await using var create = postgres.CreateCommand($"CREATE DATABASE \"{Name}\"");
        try
        {
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException refusal) when (refusal.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            // An earlier run created it.
        }
    }
}

/// <summary>Adds PostgreSQL as a process.</summary>
internal static class PostgresProcessExtensions
{
    /// <summary>Adds PostgreSQL with the superuser <c>postgres</c>.</summary>
    public static IResourceBuilder<PostgresProcess> AddPostgresProcess(
        this IDistributedApplicationBuilder builder, string name, DataFolder data)
    {
        var (folder, password) = data.ForServer(name);
        var postgres = new PostgresProcess(name, builder.Script("postgres.sh"), folder, password);
        return builder.AddServerProcess(postgres, password, AskAsync)
            .WithEnvironment("BIN", LocalServer.PostgresPrograms)
            .WithArgs("-c", ReferenceExpression.Create(
                $"port={postgres.Endpoint.Property(EndpointProperty.TargetPort)}"))
            .WithArgs("-c", "listen_addresses=localhost", "-c", "unix_socket_directories=");
    }

    /// <summary>Adds a database, which is created when its server is ready.</summary>
    public static IResourceBuilder<PostgresProcessDatabase> AddDatabase(
        this IResourceBuilder<PostgresProcess> server, string name)
    {
        var database = new PostgresProcessDatabase(name, server.Resource);
        server.OnResourceReady(async (_, ready, cancellationToken) =>
        {
            await database.CreateAsync(cancellationToken);
            // Aspire derives the state of a child from its parent's for containers only.
            await ready.Services.GetRequiredService<ResourceNotificationService>().PublishUpdateAsync(
                database, snapshot => snapshot with { State = KnownResourceStates.Running });
        });
        return server.ApplicationBuilder.AddResource(database)
            .WithInitialState(new()
            {
                ResourceType = "Database",
                Properties = [],
                State = KnownResourceStates.NotStarted,
            })
            .WithIconName("Database");
    }

    private static async Task AskAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var postgres = NpgsqlDataSource.Create(
            $"{connectionString};Database=postgres;Pooling=false;Timeout=2");
        await using var connection = await postgres.OpenConnectionAsync(cancellationToken);
    }
}
