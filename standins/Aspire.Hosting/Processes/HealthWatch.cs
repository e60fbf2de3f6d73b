using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>Asks a running replica whether it is healthy, often until it is and seldom afterwards.</summary>
internal sealed partial class HealthWatch(HealthCheckService registered, IServiceProvider services, ILogger log)
{
    // Whole tiers wait for the first healthy answer. Once it was given, the exit of the process says more than a check.
    private static readonly TimeSpan WhileStarting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan OnceHealthy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WhileUnhealthy = TimeSpan.FromSeconds(1);
    // A start that takes longer waits for something; asking more often than this only fills its log.
    private static readonly TimeSpan LongStart = TimeSpan.FromSeconds(20);

    /// <summary>Publishes the health of a replica until the token is cancelled.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(
        ResourceInstance instance,
        Action<Func<CustomResourceSnapshot, CustomResourceSnapshot>> publish,
        CancellationToken cancellationToken)
    {
        var probes = instance.Resource.Annotations.OfType<ReplicaProbeAnnotation>().ToArray();
        var keys = instance.Resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => a.Key).ToHashSet();
        var isChecked = probes.Length + keys.Count > 0;
        publish(s => s with { HealthStatus = isChecked ? HealthStatus.Unhealthy : HealthStatus.Healthy });
        var startedAt = Stopwatch.GetTimestamp();
        bool? wasHealthy = null;
        while (isChecked)
        {
            var (status, reason) = await CheckAsync(probes, keys, instance.Replica, cancellationToken)
                .ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            publish(s => s with { HealthStatus = status });
            var isHealthy = status == HealthStatus.Healthy;
            Report(instance.DisplayName, wasHealthy, isHealthy, reason);
            wasHealthy = isHealthy || wasHealthy is not null ? isHealthy : null;
            var starting = wasHealthy is null && Stopwatch.GetElapsedTime(startedAt) < LongStart;
            var pause = isHealthy ? OnceHealthy : starting ? WhileStarting : WhileUnhealthy;
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
    }

    private async Task<(HealthStatus Status, string? Reason)> CheckAsync(
        ReplicaProbeAnnotation[] probes, HashSet<string> keys, int replica, CancellationToken cancellationToken)
    {
        var results = await Task.WhenAll(probes.Select(probe => probe.Check(replica, services, cancellationToken)))
            .ConfigureAwait(false);
        if (results.FirstOrDefault(result => result.Status != HealthStatus.Healthy) is { Description: not null } bad)
        {
            return (bad.Status, bad.Description);
        }

        if (keys.Count == 0)
        {
            return (HealthStatus.Healthy, null);
        }

        var report = await registered.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken)
            .ConfigureAwait(false);
        return (report.Status, string.Join(' ', report.Entries.Values.Select(entry => entry.Description)));
    }

    private void Report(string name, bool? wasHealthy, bool isHealthy, string? reason)
    {
        if (wasHealthy == true && !isHealthy)
        {
            NoLongerHealthy(log, name, reason);
        }
        else if (wasHealthy == false && isHealthy)
        {
            HealthyAgain(log, name);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name} is no longer healthy: {Reason}")]
    private static partial void NoLongerHealthy(ILogger logger, string name, string? reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Name} is healthy again")]
    private static partial void HealthyAgain(ILogger logger, string name);
}
