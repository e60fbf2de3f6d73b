using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>What three reads prove about one SKU: PostgreSQL, then Redis, then PostgreSQL again.</summary>
/// <remarks>
/// Redis learns of a version only after PostgreSQL has committed it. So Redis may be behind the first read while a
/// change is on its way, and may be ahead of it, but never ahead of the last read. All values of Redis are of one
/// moment.
/// </remarks>
/// <param name="Before">PostgreSQL before Redis was read.</param>
/// <param name="Redis">The state in Redis.</param>
/// <param name="After">PostgreSQL after Redis was read.</param>
public sealed record StockComparison(LedgerLevel Before, StockLook Redis, LedgerLevel After)
{
    private string Versions => $"PostgreSQL version {After.Version}, Redis version {Redis.Version}";

    /// <summary>Whether a difference may end by itself: a change is on its way to Redis.</summary>
    public bool IsUnderWay => Redis.State == LookState.Unknown
        || (Redis.State != LookState.Unreadable && Known < Before.Version);

    /// <summary>The version that Redis has completely: total and limits.</summary>
    public long Known => Math.Min(Redis.Version, Redis.LimitsVersion);

    /// <summary>Whether nothing changed between the reads, so that the stores can be compared.</summary>
    private bool IsQuiet => Before.Version == After.Version && Redis.Version == After.Version;

    /// <summary>
    /// Whether the first read gives a reason for another one. It may return true too often, but never false wrongly.
    /// </summary>
    public static bool IsSuspicious(LedgerLevel level, StockLook look) =>
        look.State != LookState.Counted
        || look.Version != level.Version || look.LimitsVersion != level.Version || look.Total != level.Total
        || look.MaxPerCustomer != level.MaxPerCustomer || look.Paused != level.Paused
        || look.Reserved != look.Held || look.DanglingDeadlines.Length > 0 || look.DueIsLate
        || look.Reserved - look.Confirming > look.Total
        || level.Explained is { } explained && explained != level.Total;

    /// <summary>Returns what is proven about total, version and limits.</summary>
    /// <param name="waited">Whether a change on its way would have arrived.</param>
    public Finding? CompareTotals(bool waited)
    {
        if (Redis.State == LookState.Unknown)
        {
            return waited ? Of(FindingKind.MissingInRedis, $"total {After.Total}", "no such SKU in Redis",
                "Redis has lost the SKU, or change capture never brought it: it can't be sold.") : null;
        }
        if (Redis.Version > After.Version)
        {
            return Of(FindingKind.Version, $"version {After.Version}", $"version {Redis.Version}",
                "Redis has a version that PostgreSQL has never had, so it ignores every change of the total: Redis "
                    + "was changed by hand, or PostgreSQL was restored from a backup.");
        }
        if (Known < Before.Version)
        {
            return waited ? Of(FindingKind.Version, $"version {After.Version}", $"version {Known}",
                "A change of the total, limit or pause did not reach Redis: change capture is stuck, or Redis was "
                    + "changed by hand.") : null;
        }

        var level = Redis.Version == After.Version ? After : Redis.Version == Before.Version ? Before : null;
        if (level is null) return null;
        if (level.Total != Redis.Total)
        {
            return Of(FindingKind.Total, $"total {level.Total}", $"total {Redis.Total}",
                "Both stores have the same version but different totals: Redis was changed by hand"
                    + (Redis.Total > level.Total ? ", and more can be promised than there is." : "."));
        }

        return Redis.LimitsVersion != level.Version
            || (level.MaxPerCustomer == Redis.MaxPerCustomer && level.Paused == Redis.Paused)
            ? null
            : Of(FindingKind.Limits, Limits(level.MaxPerCustomer, level.Paused),
                Limits(Redis.MaxPerCustomer, Redis.Paused),
                "Both stores have the same version but a different limit or pause: Redis was changed by hand.");
    }

    /// <summary>Returns what is proven about the counter, from Redis alone.</summary>
    public Finding? CompareReserved()
    {
        if (Redis.State != LookState.Counted || Redis.Reserved == Redis.Held) return null;
        return ReservedFinding(Redis.Sku, Redis.Reserved, Redis.Held,
            $"{Redis.Pending} units pending and {Redis.Confirming} confirming, counted in one step");
    }

    /// <summary>The finding about a counter that isn't the sum of its holds.</summary>
    public static Finding ReservedFinding(string sku, long counter, long held, string evidence) => new(
        FindingKind.Reserved, sku, "", $"reserved {held}, the sum of the holds", $"reserved {counter}",
        counter > held
            ? $"{counter - held} units are counted as reserved and no hold has them, so they can't be sold: a hold "
                + "vanished, or Redis was changed by hand."
            : $"{held - counter} units under holds are not counted, so they can be sold twice: Redis was changed "
                + "by hand, or an older copy of its data was started.",
        evidence);

    /// <summary>Returns what is proven about deadlines, from Redis alone.</summary>
    public Finding? CompareDeadlines() => Redis switch
    {
        { DanglingDeadlines.Length: > 0 } => Of(FindingKind.Deadline, "deadlines of pending holds only",
            $"deadlines without a pending hold: {Redis.DanglingDeadlines}",
            "A deadline belongs to no hold. When it passes, expiry fails, and with it every reservation of the SKU."),
        { DueIsLate: true } => Of(FindingKind.Deadline, "the SKU among the due ones by its earliest deadline",
            "it has a later time, or none",
            "The expirer would find the SKU's holds too late: they expire only when a request needs their units."),
        _ => null,
    };

    /// <summary>Whether more units are reserved than exist. Confirming holds don't count, because they may already be
    /// sold.
    /// </summary>
    public bool IsOverPromised =>
        Redis is { State: LookState.Counted or LookState.TooManyHolds, Confirming: >= 0 } && IsQuiet
        && Redis.Reserved - Redis.Confirming > Redis.Total;

    /// <summary>The finding about unreadable data in Redis; null for none.</summary>
    public Finding? CompareForm() => Redis.State != LookState.Unreadable ? null : new(
        FindingKind.Unreadable, Redis.Sku, "", "counters, deadlines and holds as the scripts write them",
        Redis.Unreadable,
        "Redis was changed by hand. Until it is repaired, nothing of the SKU is sold or released.",
        $"seen in two steps, PostgreSQL version {After.Version}");

    /// <summary>The finding about more reserved than existing units.</summary>
    /// <param name="lowered">When the total was last lowered; null when it never was.</param>
    public Finding OverPromised(DateTimeOffset? lowered)
    {
        // No unit can be held when none is available, so a hold that is newer than the lowering proves that too many
        // units were available. The two times come from different clocks, so a difference of a few seconds proves
        // nothing.
        var bySystem = Redis.Newest > (lowered ?? DateTimeOffset.MinValue).Add(TimeSpan.FromSeconds(5))
            && (Before.Explained ?? Before.Total) == Before.Total;
        var evidence = $"{Versions}, newest hold {Redis.Newest:u}, total last lowered "
            + (lowered is { } at ? $"{at:u}" : "never");
        var (expected, actual) = ($"at most {Redis.Total} reserved", $"{Redis.Reserved - Redis.Confirming} reserved");
        return bySystem
            ? new(FindingKind.Oversold, Redis.Sku, "", expected, actual,
                "More was promised than there is, and the total was not lowered: a counter was wrong when the newest "
                    + "holds were placed.", evidence)
            : new(FindingKind.OverPromised, Redis.Sku, "", expected, actual,
                "The total was lowered below what is reserved. Nothing more is sold, and not every hold can become an "
                    + "order.", evidence);
    }

    /// <summary>Whether the total was changed without a movement, as plain SQL from an ERP does.</summary>
    public bool IsChangedElsewhere =>
        Before.Version == After.Version && After.Explained is { } explained && explained != After.Total;

    private static string Limits(int? limit, bool paused) =>
        (limit is { } most ? $"at most {most} per customer" : "no limit per customer") + (paused ? ", paused" : "");

    private Finding Of(FindingKind kind, string expected, string actual, string cause) =>
        new(kind, After.Sku, "", expected, actual, cause, Versions);
}
