using System.ComponentModel.DataAnnotations;

namespace Inventory.Materializer;

/// <summary>Settings of the materializer. Section <c>Materializer</c>.</summary>
public sealed class MaterializerOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Materializer";

    /// <summary>
    /// Maximum number of events in one transaction. Each transaction costs some round trips and a flush of the log, so
    /// larger ones are cheaper for each event; 500 events are some 150 KB, and a few milliseconds of locks.
    /// </summary>
    [Range(1, 10_000)] public int BatchSize { get; init; } = 500;

    /// <summary>
    /// Pause before the next read of a stream after a batch that was not full; there is none after a full batch.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(75);

    /// <summary>Number of stored events kept in each partition's stream for GET /events. Some 150 bytes each.</summary>
    [Range(0, 10_000_000)] public int KeepEvents { get; init; } = 10_000;

    /// <summary>
    /// How often an instance tries to take over a partition from its reader, and so about the time that a takeover
    /// takes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan TakeoverInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How long a reader may be idle before PostgreSQL ends its session, and with it its lock. This covers a suspended
    /// process or an unreachable machine.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ReaderLease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Maximum pause between two attempts while Redis or PostgreSQL is unavailable. The first is 50 ms, and each next
    /// one is twice as long. Limits how long events wait after an outage.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The rule of <see cref="LeaseOutlivesPolls"/>, as text for messages.</summary>
    public const string LeaseOutlivesPollsRule =
        "Materializer:ReaderLease must be at least four times Materializer:PollInterval.";

    /// <summary>Whether an idle reader polls often enough to keep its lock.</summary>
    public static bool LeaseOutlivesPolls(MaterializerOptions options) =>
        options.ReaderLease >= 4 * options.PollInterval;
}
