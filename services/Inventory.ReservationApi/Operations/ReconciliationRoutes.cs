using Inventory.ReservationApi.Problems;
using Npgsql;

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
        catch (NpgsqlException e) when (IsOutage(e))
        {
            return Refusal.Of(Problem.LedgerUnavailable,
                "The system of record, which the audit writes its reports to, did not answer. A run that was asked "
                    + "for may have been noted.")
            with
            { RetryAfterSeconds = 2 };
        }
    }

    // Tables that aren't there yet are the worker's to make, when it starts.
    private static bool IsOutage(NpgsqlException failure) =>
        failure is not PostgresException { IsTransient: false, SqlState: not PostgresErrorCodes.UndefinedTable };
}
