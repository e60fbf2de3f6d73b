using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Npgsql;

namespace Inventory.ReservationApi.Operations;

/// <summary>POST /api/operations/reconciliation/run: audit now, and repair or only report.</summary>
public static class RunReconciliation
{
    private const string FlagRule = "must be given once, as true or false";

    /// <summary>Well below the gateway's timeout. A run that takes longer is found under its address.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    internal static void Map(IEndpointRouteBuilder routes) => routes
        .MapPost(ShowReconciliation.Path + "/run", Handle)
        .WithName(nameof(RunReconciliation))
        .OnlyFor(Scopes.Admin)
        .WithTags("Operations")
        .WithSummary("Audit now")
        .WithDescription("dryRun is required: true changes nothing at all, false repairs what is provably safe to "
            + "repair, each repair with a movement. sku is optional and bounds the audit to that SKU. Runs are carried "
            + "out one after the other.")
        .MayBeRepeated()
        .Answers<AuditRunView>(StatusCodes.Status200OK, "The audit is completed; what it found.")
        .Answers<AuditRunView>(StatusCodes.Status202Accepted, "It takes longer; Location leads to it.")
        .Refuses(Problem.AuditUnavailable, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string? dryRun, string? sku, NpgsqlDataSource ledger, TimeProvider time)
    {
        var errors = new FieldErrors();
        if (!bool.TryParse(dryRun, out var dry)) errors.Add("dryRun", dryRun is null ? FieldErrors.Required : FlagRule);
        if (sku is not null) errors.CheckSku("sku", sku);
        if (errors.ToRefusal() is { } invalid) return invalid;

        var stop = http.RequestAborted;
        if (await AuditReading.ReadWorkerAsync(ledger, stop) is null)
        {
            return Unavailable("The reconciliation worker, which audits, has sent no heartbeat for ten seconds.");
        }

        var id = await AuditReading.RequestAsync(ledger, sku, dry, stop);
        var began = time.GetTimestamp();
        var run = await AuditReading.FindAsync(ledger, id, stop);
        while (run is { HasEnded: false } && time.GetElapsedTime(began) < Patience)
        {
            await Task.Delay(Poll, time, stop);
            run = await AuditReading.FindAsync(ledger, id, stop);
        }

        if (run is null or { State: "failed" })
        {
            return Unavailable($"Audit {id} failed: {run?.Error ?? "it was deleted"}");
        }

        if (run.HasEnded) return JsonAnswer.Of(StatusCodes.Status200OK, run, ApiJson.Default.AuditRunView);
        http.Response.Headers.Location = $"{ShowReconciliation.Path}/runs/{id}";
        return JsonAnswer.Of(StatusCodes.Status202Accepted, run, ApiJson.Default.AuditRunView);
    }

    private static Refusal Unavailable(string detail) =>
        Refusal.Of(Problem.AuditUnavailable, detail) with { RetryAfterSeconds = 5 };
}
