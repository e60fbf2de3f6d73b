using System.Globalization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Npgsql;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/reconciliation/runs/{id}: how far an audit is, or what it found.</summary>
public static class FindReconciliationRun
{
    internal static void Map(IEndpointRouteBuilder routes) => routes
        .MapGet(ShowReconciliation.Path + "/runs/{id}", Handle)
        .WithName(nameof(FindReconciliationRun))
        .OnlyFor(Scopes.Admin)
        .WithTags("Operations")
        .WithSummary("Read one audit")
        .WithDescription("Its progress while it is waiting or running; its findings when it is completed. The last "
            + "hundred are kept.")
        .Answers<AuditRunView>(StatusCodes.Status200OK, "The audit.")
        .Refuses(Problem.AuditNotFound, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(HttpContext http, string id, NpgsqlDataSource ledger)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return Refusal.Of(Problem.AuditNotFound, "The id of an audit is a number.");
        }

        return await AuditReading.FindAsync(ledger, number, http.RequestAborted) is { } run
            ? JsonAnswer.Of(StatusCodes.Status200OK, run, ApiJson.Default.AuditRunView)
            : Refusal.Of(Problem.AuditNotFound, $"There is no audit {number}, or it has been deleted.");
    }
}
