using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Runs all health checks at most once in a while, for any number of probes: they ask the stores, and the path is open
/// to everyone.
/// </summary>
internal sealed class SharedHealth(TimeProvider time)
{
    private static readonly TimeSpan Valid = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private Task<HealthReport>? latest;
    private long began;

    /// <summary>The latest report, or that of a check which begins now; a check that is under way is shared.</summary>
    public Task<HealthReport> CheckAsync(HealthCheckService health)
    {
        lock (gate)
        {
            if (latest is null || (latest.IsCompleted && time.GetElapsedTime(began) >= Valid))
            {
                (latest, began) = (health.CheckHealthAsync(), time.GetTimestamp());
            }

            return latest;
        }
    }
}
