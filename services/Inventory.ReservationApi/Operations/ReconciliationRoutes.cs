using Inventory.ReservationApi.Problems;
using Inventory.Storage;

namespace Inventory.ReservationApi.Operations;

/// <summary>What operators see and ask of the audit: everything under /api/operations/reconciliation.</summary>
internal static class ReconciliationRoutes
{
    internal const string Path = "/api/operations/reconciliation";

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var operations = routes.MapGroup("").AddEndpointFilter(AnswerOutageAsync);
        ShowReconciliation.Map(operations);
        RunReconciliation.Map(operations);
        FindReconciliationRun.Map(operations);
    }

    private static async ValueTask<object?> AnswerOutageAsync(
        EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (StoreException e) when (e is { Store: Store.PostgreSql, IsOutage: true })
        {
            return Refusal.Of(Problem.LedgerUnavailable,
                "The system of record, which the audit writes its reports to, did not answer. A requested run may have "
                    + "been recorded.")
            with
            { RetryAfterSeconds = 2 };
        }
    }
}
