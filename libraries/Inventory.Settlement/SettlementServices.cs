using Inventory.Ledger;
using Inventory.Settlement;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what turns payments into orders.</summary>
public static class SettlementServices
{
    /// <summary>
    /// Adds <see cref="Confirmer"/> and <see cref="PaymentSettler"/>, and what they stand on in the ledger, over the
    /// registered stock engine and <c>NpgsqlDataSource</c>.
    /// </summary>
    public static IServiceCollection AddSettlement(this IServiceCollection services) =>
        services.AddSingleton<Confirmations>()
            .AddSingleton<Payments>()
            .AddSingleton<Orders>()
            .AddSingleton<Confirmer>()
            .AddSingleton<SettlementMetrics>()
            .AddSingleton<PaymentSettler>();
}
