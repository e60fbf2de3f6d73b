namespace OpenTelemetry.Trace;

/// <summary>Spans for outgoing requests.</summary>
public static class HttpClientInstrumentationTracerProviderBuilderExtensions
{
    /// <summary>Records the client span that HttpClient itself starts for every request.</summary>
    /// <returns>The same builder.</returns>
    public static TracerProviderBuilder AddHttpClientInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddSource("System.Net.Http");
}
