using StackExchange.Redis;

namespace Inventory.AppHost.LocalServers;

/// <summary><c>redis-server</c>, found on the path.</summary>
internal sealed class RedisProcess(string name, string script, string folder, ParameterResource password)
    : ServerProcess(name, script, folder)
{
    /// <inheritdoc/>
    public override ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{Endpoint.Property(EndpointProperty.HostAndPort)},password={password}");
}

/// <summary>Adds Redis as a process.</summary>
internal static class RedisProcessExtensions
{
    /// <summary>
    /// Adds a Redis that saves no snapshots by itself; the caller's arguments decide about all other persistence.
    /// </summary>
    public static IResourceBuilder<RedisProcess> AddRedisProcess(
        this IDistributedApplicationBuilder builder, string name, DataFolder data)
    {
        var (folder, password) = data.ForServer(name);
        var redis = new RedisProcess(name, builder.Script("redis.sh"), folder, password);
        return builder.AddServerProcess(redis, password, PingAsync)
            .WithArgs("--port", redis.Endpoint.Property(EndpointProperty.TargetPort))
            .WithArgs("--bind", "127.0.0.1", "--save", "");
    }

    private static async Task PingAsync(string connectionString, CancellationToken cancellationToken)
    {
        var options = ConfigurationOptions.Parse(connectionString);
        (options.ConnectRetry, options.ConnectTimeout) = (0, 1_000);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options).WaitAsync(cancellationToken);
        await redis.GetDatabase().PingAsync().WaitAsync(cancellationToken);
    }
}
