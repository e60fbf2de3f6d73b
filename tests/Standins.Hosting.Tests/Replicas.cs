using Microsoft.Extensions.DependencyInjection;

namespace Standins.Hosting.Tests;

internal static class Replicas
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The process ids of a resource's replicas, as tests of the application find them.</summary>
    public static int[] ProcessIds(this DistributedApplication app, string resource)
    {
        Assert.True(app.ResourceNotifications.TryGetCurrentState(resource, out var first));
        return [.. app.ResourceNotifications.ReplicasOf(first!.Resource).Select(e => ProcessIdOf(e.Snapshot) ?? 0)];
    }

    /// <summary>What a resource has printed and prints.</summary>
    public static IAsyncEnumerable<IReadOnlyList<LogLine>> ResourceLogs(
        this DistributedApplication app, string resource) =>
        app.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(resource);

    public static int? ProcessIdOf(CustomResourceSnapshot snapshot) =>
        (int?)snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value;

    /// <summary>Waits until a replica is healthy and its process is another one.</summary>
    public static Task<ResourceEvent> WaitForAnotherProcessAsync(
        this DistributedApplication app, string resource, params int[] earlier) =>
        app.ResourceNotifications.WaitForResourceAsync(resource, e =>
            e.Snapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy
            && ProcessIdOf(e.Snapshot) is { } id && !earlier.Contains(id)).WaitAsync(Patience);
}
