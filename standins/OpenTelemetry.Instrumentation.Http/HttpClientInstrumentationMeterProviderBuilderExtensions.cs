namespace OpenTelemetry.Metrics;

/// <summary>HttpClient's own meters.</summary>
public static class HttpClientInstrumentationMeterProviderBuilderExtensions
{
    /// <summary>Collects what HttpClient and name resolution measure.</summary>
    /// <returns>The same builder.</returns>
    public static MeterProviderBuilder AddHttpClientInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter("System.Net.Http", "System.Net.NameResolution");
}
