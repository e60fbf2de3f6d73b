using Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.ReservationApi.Products;

/// <summary>The administration of products and stock: everything under /api/products.</summary>
internal static class ProductRoutes
{
    internal const string Path = "/api/products/{sku}";

    /// <summary>
    /// How long PostgreSQL may take for a connection or a command: far more than the lock of a hot SKU needs, and less
    /// than the gateway waits.
    /// </summary>
    private const int PatienceSeconds = 5;

    /// <summary>
    /// Connections of one instance for administration, unless the connection string says otherwise. A server has some
    /// hundred for all its clients; an adjustment of many products at once waits here and takes none from confirms.
    /// </summary>
    private const int MaxConnections = 10;

    private const string Reader = "ledger-readonly";
    private const string PoolSize = "Maximum Pool Size";
    private const string ConnectTimeout = "Timeout";

    /// <summary>How the administration uses PostgreSQL.</summary>
    internal static void Tune(NpgsqlEntityFrameworkCorePostgreSQLSettings ledger)
    {
        // Without PostgreSQL nothing is administered, but sale goes on: the instance must stay in service.
        ledger.DisableHealthChecks = true;
        // A transaction that is retried automatically might adjust twice; the caller decides about a retry.
        ledger.DisableRetry = true;
        ledger.CommandTimeout = PatienceSeconds;
        if (ledger.ConnectionString is not { Length: > 0 } address) return;
        var connection = new NpgsqlConnectionStringBuilder(address);
        if (!connection.ShouldSerialize(PoolSize)) connection.MaxPoolSize = MaxConnections;
        if (!connection.ShouldSerialize(ConnectTimeout)) connection.Timeout = PatienceSeconds;
        ledger.ConnectionString = connection.ConnectionString;
    }

    /// <summary>
    /// Reads what may be a moment old from <c>ledger-readonly</c>, such as a replica; without one, from the ledger.
    /// </summary>
    internal static void AddLedgerReader(this IHostApplicationBuilder builder)
    {
        var own = builder.Configuration.GetConnectionString(Reader);
        builder.AddNpgsqlDbContext<LedgerReader>(
            string.IsNullOrWhiteSpace(own) ? "ledger" : Reader,
            Tune,
            options => options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking));
    }

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var products = routes.MapGroup("").AddEndpointFilter(AnswerOutageAsync);
        ShowProduct.Map(products);
        PutProduct.Map(products);
        AdjustStock.Map(products);
        ListMovements.Map(products);
        PauseProduct.Map(products);
    }

    /// <summary>Answers 503 while PostgreSQL is unavailable.</summary>
    internal static async ValueTask<object?> AnswerOutageAsync(
        EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (StoreException e) when (e is { Store: Store.PostgreSql, IsOutage: true })
        {
            return Refusal.Of(Problem.LedgerUnavailable,
                "The system of record did not answer, so the outcome of a change is unknown. Read before trying again, "
                    + "or repeat an adjustment with its Idempotency-Key.")
            with
            { RetryAfterSeconds = 2 };
        }
    }
}
