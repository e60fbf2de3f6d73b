using Inventory.ReconciliationWorker.Rebuild;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Registers the audit.</summary>
internal static class AuditServices
{
    internal static void Register(IServiceCollection services)
    {
        services.AddValidatedOptions<AuditOptions>(AuditOptions.Section);
        services.AddSingleton<AuditMetrics>();
        services.AddSingleton<AuditBook>();
        services.AddSingleton<LedgerReading>();
        services.AddSingleton<SkuRebuild>();
        services.AddSingleton<StockRepair>();
        services.AddSingleton<AuditSession>();
        services.AddSingleton<OnlineHoldCounter>();
        services.AddSingleton<HoldAudit>();
        services.AddSingleton<ReservationAudit>();
        services.AddSingleton<StockAudit>();
        services.AddSingleton<OrphanAudit>();
        services.AddSingleton<OrderReading>();
        services.AddSingleton<BoughtAudit>();
        services.AddSingleton<OrderAudit>();
        services.AddSingleton<Auditor>();
        services.AddHostedService<AuditLoop>();
    }
}
