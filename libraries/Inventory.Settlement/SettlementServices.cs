using Inventory.Ledger;
using Inventory.Settlement;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the services that turn payments into orders.</summary>
public static class SettlementServices
{
    /// <summary>
    /// Adds <see cref="Confirmer"/> and <see cref="PaymentSettler"/> with the ledger services they need, over the
    /// registered stock stores and <c>NpgsqlDataSource</c>.
    /// </summary>
    public static IServiceCollection AddSettlement(this IServiceCollection services) =>
        services.AddSingleton<Confirmations>()
            .AddSingleton<Payments>()
            .AddSingleton<Orders>()
            .AddSingleton<Confirmer>()
            .AddSingleton<SettlementMetrics>()
            .AddSingleton<PaymentSettler>();
}
