using Microsoft.Extensions.DependencyInjection;

namespace Inventory.AppHost.LocalServers;

/// <summary>What the servers of this folder have in common.</summary>
internal static class LocalServer
{
    /// <summary>The folder of PostgreSQL's programs; null where PostgreSQL is not installed.</summary>
    public static string? PostgresPrograms { get; } = FindPostgres();

    /// <summary>
    /// Which packages are missing, as one line that says how to install them; null where nothing is missing.
    /// </summary>
    public static string? FindMissing()
    {
        string[] missing =
        [
            .. OnPath("redis-server") is null ? ["redis-server"] : Array.Empty<string>(),
            .. PostgresPrograms is null ? ["postgresql"] : Array.Empty<string>(),
        ];
        return missing.Length == 0 ? null
            : $"No container engine was found, and {string.Join(" and ", missing)} is not installed: "
                + $"sudo apt-get install {string.Join(' ', missing)}";
    }

    /// <summary>A script beside this file, by its full path.</summary>
    public static string Script(this IDistributedApplicationBuilder builder, string name) =>
        Path.Combine(builder.AppHostDirectory, "LocalServers", name);

    /// <summary>Adds a server. Its script takes the password from the environment.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="server">The server.</param>
    /// <param name="password">The password.</param>
    /// <param name="ask">Completes when the server of a connection string answers, and fails when it doesn't.</param>
    public static IResourceBuilder<T> AddServerProcess<T>(
        this IDistributedApplicationBuilder builder, T server, ParameterResource password,
        Func<string, CancellationToken, Task> ask)
        where T : ServerProcess
    {
        var check = $"{server.Name}_check";
        builder.Services.AddHealthChecks().AddPatientCheck(check, async cancellationToken =>
            await ask((await server.ConnectionStringExpression.GetValueAsync(cancellationToken))!, cancellationToken));
        return builder.AddResource(server)
            .WithEndpoint(ServerProcess.EndpointName, endpoint =>
            {
                endpoint.UriScheme = "tcp";
                endpoint.IsProxied = false;
            })
            .WithEnvironment("PASSWORD", password)
            .WithIconName("Database")
            .WithHealthCheck(check);
    }

    private static string? FindPostgres()
    {
        const string debian = "/usr/lib/postgresql";
        var newest = Directory.Exists(debian)
            ? Directory.GetDirectories(debian)
                .Where(version => File.Exists(Path.Combine(version, "bin", "postgres")))
                .MaxBy(version => int.TryParse(Path.GetFileName(version), out var number) ? number : 0)
            : null;
        return newest is not null ? Path.Combine(newest, "bin") : Path.GetDirectoryName(OnPath("postgres"));
    }

    private static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);
}
