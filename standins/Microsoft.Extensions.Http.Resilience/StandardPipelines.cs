using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>
/// One pipeline per client name. It outlives the client's handlers, which are replaced every few minutes: a
/// circuit breaker that forgets would be none.
/// </summary>
internal sealed class StandardPipelines(
    IOptionsMonitor<HttpStandardResilienceOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, ResiliencePipeline<HttpResponseMessage>> pipelines = new();

    public TimeProvider Time => time;

    public ResiliencePipeline<HttpResponseMessage> For(string client) => pipelines.GetOrAdd(client, name =>
    {
        var settings = options.Get(name);
        return new ResiliencePipelineBuilder<HttpResponseMessage> { Name = $"{name}-standard", TimeProvider = time }
            .AddStrategy(_ => new ConcurrencyStrategy(), new ConcurrencyOptions())
            .AddTimeout(settings.TotalRequestTimeout)
            .AddRetry(settings.Retry)
            .AddCircuitBreaker(settings.CircuitBreaker)
            .AddTimeout(settings.AttemptTimeout)
            .Build();
    });

    private sealed class ConcurrencyOptions : ResilienceStrategyOptions
    {
        public ConcurrencyOptions() => Name = "Standard-RateLimiter";
    }
}
