using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.Materializer;

/// <summary>
/// Which partitions can't be worked on, because Redis or PostgreSQL is away. An outage is one warning and one line when
/// it is over, however many partitions and attempts it has.
/// </summary>
public sealed partial class Outage(ILogger<Outage> log)
{
    private readonly Lock gate = new();
    private readonly HashSet<int> failing = [];
    private readonly HashSet<int> seen = [];

    /// <summary>Whether a partition has worked at least once and none fails now.</summary>
    public bool IsOver
    {
        get
        {
            lock (gate) return seen.Count > 0 && failing.Count == 0;
        }
    }

    /// <summary>An attempt at a partition failed.</summary>
    public void Failed(int partition, Exception failure)
    {
        lock (gate)
        {
            if (failing.Count == 0) StoreIsAway(failure.Message);
            failing.Add(partition);
        }
    }

    /// <summary>A partition is being worked on, here or by another instance.</summary>
    public void Works(int partition)
    {
        lock (gate)
        {
            seen.Add(partition);
            if (failing.Remove(partition) && failing.Count == 0) Recovered();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Redis or PostgreSQL is away; events wait in the stream. {Reason}")]
    private partial void StoreIsAway(string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis and PostgreSQL are back; events are being stored again.")]
    private partial void Recovered();
}

/// <summary>Healthy while no partition waits for Redis or PostgreSQL.</summary>
public sealed class OutageCheck(Outage outage) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(outage.IsOver
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("Events can't be stored."));
}
