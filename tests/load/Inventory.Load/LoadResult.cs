namespace Inventory.Load;

/// <summary>What one stretch of load measured.</summary>
/// <param name="Seconds">How long it took.</param>
/// <param name="Done">Requests that did what they were for.</param>
/// <param name="Errors">Requests that were refused, failed or got no answer.</param>
/// <param name="P50">Milliseconds that half of all requests stayed within.</param>
/// <param name="P99">Milliseconds that 99 of 100 stayed within.</param>
/// <param name="P999">Milliseconds that 999 of 1000 stayed within.</param>
internal sealed record LoadResult(double Seconds, long Done, long Errors, double P50, double P99, double P999)
{
    /// <summary>Requests that did what they were for, by the second.</summary>
    public double PerSecond => Done / Seconds;
}
