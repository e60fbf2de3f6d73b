using Npgsql;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Connection strings of change capture, with settings by which both ends soon notice that the other one is gone.
/// </summary>
internal static class CaptureConnection
{
    // The operating system closes the sockets of a killed process at once. The keepalives are for a machine that can't
    // be reached: PostgreSQL frees its lock and slot after some five seconds. The idle timeout is for a process that
    // hangs on a running machine. A healthy process sends a query every second, or after a write that Redis may delay
    // by five seconds.
    private const string SessionOptions =
        "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c idle_session_timeout=10s";

    private const string StreamOptions = "-c wal_sender_timeout=5s";

    /// <summary>
    /// The connection string for queries. It is not pooled: a pooled session would keep the lock after its owner has
    /// closed it.
    /// </summary>
    public static string ForSession(string connectionString) => With(connectionString, SessionOptions);

    /// <summary>The connection string for the stream of changes.</summary>
    public static string ForStream(string connectionString) => With(connectionString, StreamOptions);

    private static string With(string connectionString, string options)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "inventory-capture",
            Pooling = false,
            Multiplexing = false,
            Enlist = false,
            Timeout = 5,
            CommandTimeout = 10,
            KeepAlive = 0,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 2,
            TcpKeepAliveInterval = 1,
        };
        builder.Options = string.IsNullOrEmpty(builder.Options) ? options : $"{builder.Options} {options}";
        return builder.ConnectionString;
    }
}
