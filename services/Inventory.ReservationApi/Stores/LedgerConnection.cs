using Aspire.Npgsql;
using Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;
using Npgsql;

namespace Inventory.ReservationApi.Stores;

/// <summary>How this API uses PostgreSQL: confirms and payments apart from the administration.</summary>
internal static class LedgerConnection
{
    /// <summary>
    /// Connections of one instance, unless the connection string says otherwise. Confirms share one at a time; the rest
    /// stores payments and finds orders, each for some milliseconds. A server has some hundred for all its clients.
    /// </summary>
    private const int MaxConnections = 25;

    /// <summary>
    /// How long PostgreSQL may take for a connection or a command: what a lease allows for an order, and less than
    /// payment providers wait.
    /// </summary>
    private const int PatienceSeconds = 10;

    /// <summary>
    /// Connections of one instance for administration, unless the connection string says otherwise. An adjustment of
    /// many products at once waits here and takes none from confirms.
    /// </summary>
    private const int MaxAdministrationConnections = 10;

    /// <summary>
    /// How long PostgreSQL may take for a connection or a command of the administration: far more than the lock of a
    /// hot SKU needs, and less than the gateway waits.
    /// </summary>
    private const int AdministrationPatienceSeconds = 5;

    private const string PoolSize = "Maximum Pool Size";
    private const string ConnectTimeout = "Timeout";
    private const string CommandTimeout = "Command Timeout";

    /// <summary>For confirms and payments.</summary>
    internal static void Tune(NpgsqlSettings ledger)
    {
        // Without PostgreSQL nothing is confirmed, but the rest works: the instance must stay in service.
        ledger.DisableHealthChecks = true;
        if (ledger.ConnectionString is not { Length: > 0 } address) return;
        var connection = Bound(address, MaxConnections, PatienceSeconds);
        if (!connection.ShouldSerialize(CommandTimeout)) connection.CommandTimeout = PatienceSeconds;
        ledger.ConnectionString = connection.ConnectionString;
    }

    /// <summary>For the administration.</summary>
    internal static void TuneAdministration(NpgsqlEntityFrameworkCorePostgreSQLSettings ledger)
    {
        // Without PostgreSQL nothing is administered, but sale goes on: the instance must stay in service.
        ledger.DisableHealthChecks = true;
        // A transaction that is retried automatically might adjust twice; the caller decides about a retry.
        ledger.DisableRetry = true;
        ledger.CommandTimeout = AdministrationPatienceSeconds;
        if (ledger.ConnectionString is not { Length: > 0 } address) return;
        ledger.ConnectionString =
            Bound(address, MaxAdministrationConnections, AdministrationPatienceSeconds).ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder Bound(string address, int maxConnections, int patienceSeconds)
    {
        var connection = new NpgsqlConnectionStringBuilder(address);
        if (!connection.ShouldSerialize(PoolSize)) connection.MaxPoolSize = maxConnections;
        if (!connection.ShouldSerialize(ConnectTimeout)) connection.Timeout = patienceSeconds;
        return connection;
    }
}
