using Inventory.Ledger;
using Inventory.Stock;
using Npgsql;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// One warning when Redis or PostgreSQL goes away, and one line when all is well again, however many loops meet the
/// outage and however often they try.
/// </summary>
public sealed partial class StoreOutages(ILogger<StoreOutages> log)
{
    private readonly Lock access = new();
    private readonly HashSet<object> waiting = [];

    /// <summary>
    /// Whether waiting may cure a failure: a store is away, or PostgreSQL is set up in a way that only people can mend.
    /// Entity Framework wraps what it takes for transient.
    /// </summary>
    public static bool Explains(Exception failure) => StockOutage.Explains(failure) || LedgerOutage.Explains(failure)
        || failure is NpgsqlException or TimeoutException or IOException or CaptureRefusedException
        || (failure.InnerException is { } cause && Explains(cause));

    /// <summary>A loop can't work.</summary>
    /// <param name="loop">Which.</param>
    /// <param name="failure">What it met.</param>
    public void Began(object loop, Exception failure)
    {
        lock (access)
        {
            if (waiting.Add(loop) && waiting.Count == 1) Away(failure.GetBaseException().Message);
        }
    }

    /// <summary>A loop works.</summary>
    /// <param name="loop">Which.</param>
    public void Ended(object loop)
    {
        lock (access)
        {
            if (waiting.Remove(loop) && waiting.Count == 0) Back();
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Redis or PostgreSQL is away; until it is back, changed totals don't reach the shop window. {Reason}")]
    private partial void Away(string reason);

    [LoggerMessage(
        2, LogLevel.Information, "Redis and PostgreSQL are back; changed totals reach the shop window again.")]
    private partial void Back();
}
