using Inventory.Testing;

namespace Inventory.Crash.Tests;

/// <summary>The steps of a confirm, each an exchange with one of the stores.</summary>
public enum Step
{
    /// <summary>Redis: <c>pin</c>.</summary>
    Pin,

    /// <summary>PostgreSQL: BEGIN, the decision, the locks of the totals.</summary>
    Decide,

    /// <summary>PostgreSQL: order, items, totals, movements.</summary>
    Write,

    /// <summary>PostgreSQL: COMMIT.</summary>
    Commit,

    /// <summary>Redis: <c>commit</c>.</summary>
    Tell,

    /// <summary>Redis: <c>unpin</c>, after a refusal.</summary>
    Unpin,

    /// <summary>PostgreSQL: a payment event is stored, before all else.</summary>
    Store,
}

/// <summary>What happens to the step at which the API is killed.</summary>
public enum Fate
{
    /// <summary>The store never sees it.</summary>
    Lost,

    /// <summary>The store gets it after the API is dead.</summary>
    Late,

    /// <summary>The store has done it, and the API dies before the answer arrives.</summary>
    Unheard,
}

/// <summary>How steps look on the wire.</summary>
public static class Steps
{
    public static Holding Part(this Fate fate) => fate == Fate.Unheard ? Holding.Answer : Holding.Request;

    public static bool IsOfRedis(this Step step) => step is Step.Pin or Step.Tell or Step.Unpin;

    /// <summary>The script that the step calls.</summary>
    public static string Script(this Step step) => step switch
    {
        Step.Pin => "pin",
        Step.Tell => "commit",
        Step.Unpin => "unpin",
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "Not a step of Redis."),
    };

    /// <summary>Text that only this step's statements contain.</summary>
    public static string Sql(this Step step) => step switch
    {
        Step.Decide => "INSERT INTO pin_decisions",
        Step.Write => "INSERT INTO orders",
        Step.Store => "INSERT INTO payment_events",
        // With the terminating zero: reading the server's types at a pool's first connection is a transaction too.
        Step.Commit => "COMMIT\0",
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "Not a step of PostgreSQL."),
    };
}
