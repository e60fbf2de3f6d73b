using Aspire.Npgsql;
using Npgsql;

namespace Inventory.ReservationApi;

/// <summary>How confirms and payments use PostgreSQL.</summary>
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

    private const string PoolSize = "Maximum Pool Size";
    private const string ConnectTimeout = "Timeout";
    private const string CommandTimeout = "Command Timeout";

    internal static void Tune(NpgsqlSettings ledger)
    {
        // Without PostgreSQL nothing is confirmed, but the rest works: the instance must stay in service.
        ledger.DisableHealthChecks = true;
        if (ledger.ConnectionString is not { Length: > 0 } address) return;
        var connection = new NpgsqlConnectionStringBuilder(address);
        if (!connection.ShouldSerialize(PoolSize)) connection.MaxPoolSize = MaxConnections;
        if (!connection.ShouldSerialize(ConnectTimeout)) connection.Timeout = PatienceSeconds;
        if (!connection.ShouldSerialize(CommandTimeout)) connection.CommandTimeout = PatienceSeconds;
        ledger.ConnectionString = connection.ConnectionString;
    }
}
