using Aspire.Hosting.Processes;

namespace Aspire.Hosting;

/// <summary>PostgreSQL, as a postgres process of this machine.</summary>
public static class PostgresBuilderExtensions
{
    /// <summary>Adds a PostgreSQL server.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="userName">The superuser's name; postgres when null.</param>
    /// <param name="password">The password; a generated one when null.</param>
    /// <param name="port">The port; random when null.</param>
    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var later = new ParameterResource($"{name}-password", _ => "");
        var server = new PostgresServerResource(name, userName?.Resource, later);
        server.PasswordParameter = password?.Resource ?? ServerPasswords.Create(builder, server);
        return builder.AddResource(server)
            .WithEndpoint(port: port, scheme: "tcp", name: PostgresServerResource.EndpointName)
            .WithAnnotation(new LaunchAnnotation(PostgresServer.PlanAsync, _ => PostgresServer.Check()))
            .WithAnnotation(new ReplicaProbeAnnotation($"{name}_check", (_, _, cancellationToken) =>
                PostgresQueries.CheckAsync(server, "postgres", cancellationToken)));
    }

    /// <summary>Adds a database, which is created when the server has none of its name.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="databaseName">The database's name; the resource's when null.</param>
    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
    {
        var server = builder.Resource;
        var database = new PostgresDatabaseResource(name, databaseName ?? name, server);
        server.Add(database);
        return builder.ApplicationBuilder.AddResource(database)
            .WithAnnotation(new PresenceAnnotation(
                cancellationToken => PostgresQueries.CreateAsync(server, database.DatabaseName, cancellationToken)))
            .WithAnnotation(new ReplicaProbeAnnotation($"{name}_check", (_, _, cancellationToken) =>
                PostgresQueries.CheckAsync(server, database.DatabaseName, cancellationToken)));
    }

    /// <summary>Keeps the data under a name.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name; the resource's and "-data" when null.</param>
    /// <param name="isReadOnly">Not supported by processes.</param>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(
        this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithVolume(name, "/var/lib/postgresql", isReadOnly);

    /// <summary>Sets the password.</summary>
    public static IResourceBuilder<PostgresServerResource> WithPassword(
        this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> password)
    {
        builder.Resource.PasswordParameter = password.Resource;
        return builder;
    }

    /// <summary>Sets the port.</summary>
    public static IResourceBuilder<PostgresServerResource> WithHostPort(
        this IResourceBuilder<PostgresServerResource> builder, int? port) =>
        builder.WithEndpoint(PostgresServerResource.EndpointName, endpoint => endpoint.Port = port);
}
