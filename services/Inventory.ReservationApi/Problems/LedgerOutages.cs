using Inventory.Contracts;
using Inventory.Storage;

namespace Inventory.ReservationApi.Problems;

/// <summary>How endpoints that need PostgreSQL answer without it.</summary>
internal static class LedgerOutages
{
    private const string ChangeUnknown =
        "The system of record did not answer, so the outcome of a change is unknown. Read before trying again, or "
        + "repeat an adjustment with its Idempotency-Key.";

    /// <summary>Answers 503 while PostgreSQL is unavailable.</summary>
    /// <param name="endpoints">The endpoints.</param>
    /// <param name="detail">What may have happened.</param>
    internal static TBuilder AnswerLedgerOutages<TBuilder>(this TBuilder endpoints, string detail = ChangeUnknown)
        where TBuilder : IEndpointConventionBuilder
    {
        var refusal = Refusal.Of(Problem.LedgerUnavailable, detail) with { RetryAfterSeconds = 2 };
        return endpoints.AddEndpointFilter(async (context, next) =>
        {
            try
            {
                return await next(context);
            }
            catch (StoreException e) when (e is { Store: Store.PostgreSql, IsOutage: true })
            {
                return refusal;
            }
        });
    }
}
