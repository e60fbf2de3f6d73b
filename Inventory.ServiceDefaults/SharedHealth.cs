using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Runs health checks for probes. Checks of the stores run at most once in a while, for any number of probes: they cost
/// a call each, and the path is open to everyone. What an instance knows of itself is always as it is now.
/// </summary>
internal sealed class SharedHealth(HealthCheckService health, TimeProvider time)
{
    private static readonly TimeSpan Valid = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private Task<HealthReport>? stores;
    private long began;

    /// <summary>The worst status of the checks with a tag.</summary>
    public async Task<HealthStatus> CheckAsync(string tag) =>
        (await health.CheckHealthAsync(check => check.Tags.Contains(tag))).Status;

    /// <summary>The worst status of all checks.</summary>
    public async Task<HealthStatus> CheckAllAsync()
    {
        var own = (await health.CheckHealthAsync(IsOwn)).Status;
        var shared = (await CheckStoresAsync()).Status;
        return own < shared ? own : shared;
    }

    private Task<HealthReport> CheckStoresAsync()
    {
        lock (gate)
        {
            if (stores is null || (stores.IsCompleted && time.GetElapsedTime(began) >= Valid))
            {
                (stores, began) = (health.CheckHealthAsync(check => !IsOwn(check)), time.GetTimestamp());
            }

            return stores;
        }
    }

    private static bool IsOwn(HealthCheckRegistration check) =>
        check.Tags.Contains("ready") || check.Tags.Contains("live");
}
