using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Instrumentation.AspNetCore;

namespace OpenTelemetry.Trace;

/// <summary>Spans for incoming requests.</summary>
public static class AspNetCoreInstrumentationTracerProviderBuilderExtensions
{
    /// <summary>Records a server span per request.</summary>
    /// <returns>The same builder.</returns>
    public static TracerProviderBuilder AddAspNetCoreInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddAspNetCoreInstrumentation(_ => { });

    /// <summary>Records a server span per request that the options let through.</summary>
    /// <returns>The same builder.</returns>
    public static TracerProviderBuilder AddAspNetCoreInstrumentation(
        this TracerProviderBuilder builder,
        Action<AspNetCoreTraceInstrumentationOptions> configureAspNetCoreTraceInstrumentationOptions) =>
        builder
            .ConfigureServices(services => services.Configure(configureAspNetCoreTraceInstrumentationOptions))
            .AddSource(RequestSpans.SourceName)
            .AddInstrumentation(services => new RequestSpans(
                services.GetRequiredService<IOptions<AspNetCoreTraceInstrumentationOptions>>().Value));
}
