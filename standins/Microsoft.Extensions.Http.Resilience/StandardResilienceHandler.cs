using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>
/// Sends a request through its client's pipeline. The same message goes out again on a retry, so a content that
/// can be read only once can be sent only once.
/// </summary>
internal sealed class StandardResilienceHandler(StandardPipelines pipelines, string client) : DelegatingHandler
{
    private readonly ResiliencePipeline<HttpResponseMessage> pipeline = pipelines.For(client);

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Transient.Clock, pipelines.Time);
        try
        {
            // Outcomes and not exceptions: a pipeline that throws at every layer pays for every layer.
            var outcome = await pipeline.ExecuteOutcomeAsync(AttemptAsync, context, (Handler: this, request));
            outcome.ThrowIfException();
            return outcome.Result!;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static async ValueTask<Outcome<HttpResponseMessage>> AttemptAsync(
        ResilienceContext context, (StandardResilienceHandler Handler, HttpRequestMessage Request) call)
    {
        try
        {
            return Outcome.FromResult(await call.Handler.SendOnceAsync(call.Request, context.CancellationToken));
        }
#pragma warning disable CA1031 // Whatever it is, it is in the outcome, and is thrown again at the end.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Outcome.FromException<HttpResponseMessage>(e);
        }
    }

    private Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
