namespace OpenTelemetry.Metrics;

/// <summary>The runtime's own meter.</summary>
public static class MeterProviderBuilderExtensions
{
    /// <summary>Collects garbage collection, thread pool, lock contention and processor figures.</summary>
    /// <returns>The same builder.</returns>
    public static MeterProviderBuilder AddRuntimeInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter("System.Runtime");
}
