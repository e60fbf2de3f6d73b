using Inventory.History;
using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi.Operations;

/// <summary>What operators see and do: everything under /api/operations.</summary>
internal static class OperationsFeature
{
    internal const string Path = "/api/operations";

    internal static void AddOperations(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DeadLetters>();
        builder.Services.AddSingleton<RedisReport>();
        builder.Services.AddSingleton<GuardRecord>();
    }

    internal static void MapOperations(this IEndpointRouteBuilder routes)
    {
        var deadLetters = routes.MapGroup("").AnswerLedgerOutages();
        ListDeadLetters.Map(deadLetters);
        ShowDeadLetter.Map(deadLetters);
        ReplayDeadLetter.Map(deadLetters);
        ReplayDeadLetters.Map(deadLetters);

        ShowCache.Map(routes);
        ShowRedis.Map(routes);
        ShowGuard.Map(routes);
        SwitchGuard.Map(routes);

        var audits = routes.MapGroup("").AnswerLedgerOutages(
            "The system of record, which the audit writes its reports to, did not answer. A requested run may have "
            + "been recorded.");
        ShowReconciliation.Map(audits);
        RunReconciliation.Map(audits);
        FindReconciliationRun.Map(audits);
    }
}
