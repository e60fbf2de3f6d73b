using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Processes;

/// <summary>Asks a running replica whether it is healthy, often until it is and seldom afterwards.</summary>
internal sealed class HealthWatch(HealthCheckService registered, IServiceProvider services)
{
    // The whole stack waits for the first healthy answer of each tier; once there, the exit of the process says more.
    private static readonly TimeSpan UntilHealthy = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan OnceHealthy = TimeSpan.FromSeconds(5);

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
        while (isChecked)
        {
            var results = await Task.WhenAll(
                probes.Select(probe => probe.Check(instance.Replica, services, cancellationToken))).ConfigureAwait(false);
            var worst = results.Select(r => r.Status).Append(HealthStatus.Healthy).Min();
            if (keys.Count > 0 && worst == HealthStatus.Healthy)
            {
                var report = await registered.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken)
                    .ConfigureAwait(false);
                worst = report.Status;
            }

            cancellationToken.ThrowIfCancellationRequested();
            publish(s => s with { HealthStatus = worst });
            await Task.Delay(worst == HealthStatus.Healthy ? OnceHealthy : UntilHealthy, cancellationToken)
                .ConfigureAwait(false);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
    }
}
