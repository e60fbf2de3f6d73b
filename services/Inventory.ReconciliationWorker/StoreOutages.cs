using Inventory.Storage;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Logs one warning when Redis or PostgreSQL becomes unavailable, and one line when both are available again, for any
/// number of loops and attempts.
/// </summary>
public sealed partial class StoreOutages(ILogger<StoreOutages> log)
{
    private readonly Lock access = new();
    private readonly HashSet<object> waiting = [];
    private readonly Dictionary<object, string> refused = [];

    /// <summary>
    /// Whether waiting may fix a failure: a store is unavailable, or PostgreSQL refuses what only an operator can fix.
    /// </summary>
    public static bool Explains(Exception failure) => failure is CaptureRefusedException
        or StoreException { IsOutage: true } or StoreRejectedException { Store: Store.PostgreSql };

    /// <summary>
    /// Whether a store has failed in any way. A loop that runs for the life of the process tries again after it, since
    /// the other loops of the process must go on.
    /// </summary>
    public static bool IsOfStore(Exception failure) => failure is StoreException or CaptureRefusedException;

    /// <summary>Records that a loop can't work.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="failure">The failure.</param>
    public void Began(object loop, Exception failure)
    {
        lock (access)
        {
            if (Explains(failure))
            {
                if (waiting.Add(loop) && waiting.Count == 1) Unavailable(failure.Message);
            }
            else if (refused.GetValueOrDefault(loop) != failure.Message)
            {
                // No outage: waiting doesn't mend it, unless the cause was a value that a repair replaces.
                refused[loop] = failure.Message;
                Refused(loop.GetType().Name, failure.Message, failure);
            }
        }
    }

    /// <summary>Records that a loop works.</summary>
    /// <param name="loop">The loop.</param>
    public void Ended(object loop)
    {
        lock (access)
        {
            refused.Remove(loop);
            if (waiting.Remove(loop) && waiting.Count == 0) Back();
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Redis or PostgreSQL is unavailable; until it is back, changed totals don't reach Redis. {Reason}")]
    private partial void Unavailable(string reason);

    [LoggerMessage(
        2, LogLevel.Information, "Redis and PostgreSQL are available again; changed totals reach Redis.")]
    private partial void Back();

    [LoggerMessage(3, LogLevel.Error, "{Loop} can't do its work with what a store answers, and tries again: {Reason}")]
    private partial void Refused(string loop, string reason, Exception failure);
}
