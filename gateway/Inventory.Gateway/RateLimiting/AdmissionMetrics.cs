using System.Diagnostics.Metrics;

namespace Inventory.Gateway.RateLimiting;

/// <summary>The metrics of admission.</summary>
internal sealed class AdmissionMetrics
{
    private readonly Counter<long> refused;

    public AdmissionMetrics(IMeterFactory meters, LimiterCircuit circuit)
    {
        var meter = meters.Create("Inventory.Gateway");
        refused = meter.CreateCounter<long>(
            "inventory.gateway.rate_limited", "{request}", "Requests refused, by the budget that was used up.");
        meter.CreateObservableGauge(
            "inventory.gateway.limiting_alone", () => circuit.IsOpen ? 1 : 0, "{instance}",
            "1 while this instance limits by itself because Redis is unavailable.");
    }

    /// <summary>Counts one refusal.</summary>
    public void Refused(Verdict verdict) => refused.Add(
        1, new KeyValuePair<string, object?>("budget", verdict.Tightest?.Name), new("shared", verdict.Shared));
}
