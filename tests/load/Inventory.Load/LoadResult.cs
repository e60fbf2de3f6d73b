namespace Inventory.Load;

/// <summary>The result of one load step.</summary>
/// <param name="Seconds">Length of the step.</param>
/// <param name="Done">Requests that succeeded.</param>
/// <param name="Errors">Requests that were refused, failed or got no answer.</param>
/// <param name="P50">Median latency in milliseconds.</param>
/// <param name="P99">99th percentile of the latency in milliseconds.</param>
/// <param name="P999">99.9th percentile of the latency in milliseconds.</param>
internal sealed record LoadResult(double Seconds, long Done, long Errors, double P50, double P99, double P999)
{
    /// <summary>Successful requests per second.</summary>
    public double PerSecond => Done / Seconds;
}
