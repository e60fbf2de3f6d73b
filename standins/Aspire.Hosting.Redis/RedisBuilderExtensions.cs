using System.Globalization;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting;

/// <summary>Redis, as a redis-server process of this machine.</summary>
public static class RedisBuilderExtensions
{
    /// <summary>Adds a Redis server with a generated password.</summary>
    public static IResourceBuilder<RedisResource> AddRedis(
        this IDistributedApplicationBuilder builder, string name, int? port) => builder.AddRedis(name, port, null);

    /// <summary>Adds a Redis server.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="port">The port; random when null.</param>
    /// <param name="password">The password; a generated one when null.</param>
    public static IResourceBuilder<RedisResource> AddRedis(
        this IDistributedApplicationBuilder builder,
        string name,
        int? port = null,
        IResourceBuilder<ParameterResource>? password = null)
    {
        var redis = new RedisResource(name);
        redis.PasswordParameter = password?.Resource ?? ServerPasswords.Create(builder, redis);
        return builder.AddResource(redis)
            .WithEndpoint(port: port, scheme: "redis", name: RedisResource.EndpointName)
            .WithAnnotation(new LaunchAnnotation(RedisServer.PlanAsync, _ => RedisServer.Find()))
            .WithAnnotation(new ReplicaProbeAnnotation(
                $"{name}_check", (_, _, cancellationToken) => RedisPing.CheckAsync(redis, cancellationToken)));
    }

    /// <summary>Keeps the data under a name, and turns snapshots on.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name; the resource's and "-data" when null.</param>
    /// <param name="isReadOnly">Not supported by processes.</param>
    public static IResourceBuilder<RedisResource> WithDataVolume(
        this IResourceBuilder<RedisResource> builder, string? name = null, bool isReadOnly = false)
    {
        builder.WithVolume(name, "/data", isReadOnly);
        return isReadOnly || builder.Resource.Annotations.OfType<SnapshotAnnotation>().Any()
            ? builder
            : builder.WithPersistence();
    }

    /// <summary>Writes a snapshot after an interval in which enough keys changed.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="interval">The interval; a minute when null.</param>
    /// <param name="keysChangedThreshold">How many keys.</param>
    public static IResourceBuilder<RedisResource> WithPersistence(
        this IResourceBuilder<RedisResource> builder, TimeSpan? interval = null, long keysChangedThreshold = 1) =>
        builder.WithAnnotation(
            new SnapshotAnnotation(interval ?? TimeSpan.FromSeconds(60), keysChangedThreshold),
            ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Sets the password.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="password">The password; none when null.</param>
    public static IResourceBuilder<RedisResource> WithPassword(
        this IResourceBuilder<RedisResource> builder, IResourceBuilder<ParameterResource>? password)
    {
        builder.Resource.PasswordParameter = password?.Resource;
        return builder;
    }

    /// <summary>Sets the port.</summary>
    public static IResourceBuilder<RedisResource> WithHostPort(
        this IResourceBuilder<RedisResource> builder, int? port) =>
        builder.WithEndpoint(RedisResource.EndpointName, endpoint => endpoint.Port = port);
}

internal sealed record SnapshotAnnotation(TimeSpan Interval, long Keys) : IResourceAnnotation
{
    public string Setting => string.Create(CultureInfo.InvariantCulture, $"{Interval.TotalSeconds:0} {Keys}");
}
