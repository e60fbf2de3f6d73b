using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Refuses a call at once when a thousand are under way: a queue would only make all of them late.</summary>
internal sealed class ConcurrencyStrategy : ResilienceStrategy<HttpResponseMessage>
{
    private const int Limit = 1_000;

    private int underWay;

    protected override async ValueTask<Outcome<HttpResponseMessage>> ExecuteCore<TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<HttpResponseMessage>>> callback,
        ResilienceContext context,
        TState state)
    {
        try
        {
            return Interlocked.Increment(ref underWay) <= Limit
                ? await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext)
                : Outcome.FromException<HttpResponseMessage>(
                    new LimitReached($"{Limit} requests of this client are under way already."));
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }

    private sealed class LimitReached(string message) : ExecutionRejectedException(message);
}
