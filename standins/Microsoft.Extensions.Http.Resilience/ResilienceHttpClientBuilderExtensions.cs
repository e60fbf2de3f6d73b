using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Resilience for HttpClient.</summary>
public static class ResilienceHttpClientBuilderExtensions
{
    /// <summary>
    /// Sends the client's requests through the standard pipeline: at most 1,000 at a time, 30 s in all, three
    /// retries with growing and jittered pauses, a circuit breaker, and 10 s per attempt.
    /// </summary>
    /// <returns>A builder for the pipeline's options.</returns>
    public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
        this IHttpClientBuilder builder) => builder.AddStandardResilienceHandler(_ => { });

    /// <summary>Sends the client's requests through the standard pipeline, with other options.</summary>
    /// <returns>A builder for the pipeline's options.</returns>
    public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
        this IHttpClientBuilder builder, Action<HttpStandardResilienceOptions> configure)
    {
        // The defaults for all clients have no name, and share one pipeline, as they do in the package.
        var client = builder.Name ?? string.Empty;
        builder.Services.Configure(client, configure);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<StandardPipelines>();
        builder.AddHttpMessageHandler(services =>
            new StandardResilienceHandler(services.GetRequiredService<StandardPipelines>(), client));
        return new PipelineBuilder($"{client}-standard", builder.Services);
    }

    private sealed record PipelineBuilder(string PipelineName, IServiceCollection Services)
        : IHttpStandardResiliencePipelineBuilder;
}
