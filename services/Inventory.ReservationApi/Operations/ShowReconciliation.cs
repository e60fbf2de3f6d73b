using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;
using Npgsql;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/reconciliation: whether both stores agree, and what the audit has found.</summary>
public static class ShowReconciliation
{
    internal const string Path = OperationsFeature.Path + "/reconciliation";

    private const int MostFindings = 200, MostRepairs = 50;

    /// <summary>The state of the audit.</summary>
    /// <param name="Worker">
    /// The state of the worker that audits; absent when it has sent no heartbeat for ten seconds.
    /// </param>
    /// <param name="LastCycle">The last completed cycle over everything; absent before the first.</param>
    /// <param name="OpenRuns">Runs that wait or are under way, with their progress.</param>
    /// <param name="OpenFindings">What differs at the moment, the oldest first, at most 200.</param>
    /// <param name="RecentRepairs">What was repaired, the latest first, at most 50.</param>
    public sealed record Response(
        string? Worker, AuditRunView? LastCycle, IReadOnlyList<AuditRunView> OpenRuns,
        IReadOnlyList<FindingView> OpenFindings, IReadOnlyList<FindingView> RecentRepairs);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Handle)
        .WithName(nameof(ShowReconciliation))
        .OnlyFor(Scopes.Admin)
        .WithTags("Operations")
        .WithSummary("See whether both stores agree")
        .WithDescription("The audit compares every SKU, hold and pending reservation of Redis and PostgreSQL, "
            + "continuously. A difference that is only a matter of time, such as an event under way, is no finding.")
        .Answers<Response>(StatusCodes.Status200OK, "The last cycle, what is open, and what was repaired.")
        .Refuses(Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(HttpContext http, NpgsqlDataSource ledger)
    {
        var stop = http.RequestAborted;
        return JsonAnswer.Of(
            StatusCodes.Status200OK,
            new Response(
                await AuditReading.ReadWorkerAsync(ledger, stop),
                await AuditReading.ReadLastCycleAsync(ledger, stop),
                await AuditReading.ReadOpenRunsAsync(ledger, stop),
                await AuditReading.ReadOpenFindingsAsync(ledger, MostFindings, stop),
                await AuditReading.ReadRepairsAsync(ledger, MostRepairs, stop)),
            ApiJson.Default.ShowReconciliationResponse);
    }
}
