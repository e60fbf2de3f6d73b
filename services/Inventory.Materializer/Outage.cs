using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.Materializer;

/// <summary>
/// Tracks the partitions that can't be processed because Redis or PostgreSQL is unavailable. An outage is logged as one
/// warning and one line at its end, for any number of partitions and attempts.
/// </summary>
public sealed partial class Outage(ILogger<Outage> log)
{
    private readonly Lock gate = new();
    private readonly HashSet<int> failing = [];
    private readonly HashSet<int> seen = [];

    /// <summary>Whether a partition has worked at least once and none is failing.</summary>
    public bool IsOver
    {
        get
        {
            lock (gate) return seen.Count > 0 && failing.Count == 0;
        }
    }

    /// <summary>Records a failed attempt.</summary>
    public void Failed(int partition, Exception failure)
    {
        lock (gate)
        {
            if (failing.Count == 0) StoreUnavailable(failure.Message);
            failing.Add(partition);
        }
    }

    /// <summary>Records that a partition is being processed, by this or another instance.</summary>
    public void Works(int partition)
    {
        lock (gate)
        {
            seen.Add(partition);
            if (failing.Remove(partition) && failing.Count == 0) Recovered();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Redis or PostgreSQL is unavailable; events wait in the stream. {Reason}")]
    private partial void StoreUnavailable(string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis and PostgreSQL are available again; events are being stored.")]
    private partial void Recovered();
}

/// <summary>Healthy while no partition is waiting for Redis or PostgreSQL.</summary>
public sealed class OutageCheck(Outage outage) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(outage.IsOver
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("Events can't be stored."));
}
