using Inventory.Ledger;
using Inventory.ReservationApi.Queue;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Stores;

/// <summary>The clients of Redis and PostgreSQL.</summary>
internal static class StoresFeature
{
    private const string Ledger = "ledger", Replica = "ledger-readonly";

    internal static void AddStores(this IHostApplicationBuilder builder)
    {
        // The connection needs it before there are services.
        var callTimeout = builder.Configuration.GetValue(
            $"{StockCircuitOptions.Section}:{nameof(StockCircuitOptions.CallTimeout)}",
            new StockCircuitOptions().CallTimeout);
        builder.AddRedisClient("redis", configureOptions: redis => StockConnection.Tune(redis, callTimeout));
        builder.Services.AddStock();

        builder.AddNpgsqlDataSource(Ledger, LedgerConnection.Tune);
        builder.AddNpgsqlDbContext<LedgerContext>(Ledger, LedgerConnection.TuneAdministration);
        // What may be a moment old is read from a replica, where there is one.
        var replica = builder.Configuration.GetConnectionString(Replica);
        builder.AddNpgsqlDbContext<LedgerReader>(
            string.IsNullOrWhiteSpace(replica) ? Ledger : Replica,
            LedgerConnection.TuneAdministration,
            options => options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking));
    }
}
