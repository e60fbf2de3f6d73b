using System.ComponentModel.DataAnnotations;

namespace Inventory.Materializer;

/// <summary>How the event stream becomes rows. Section <c>Materializer</c>.</summary>
public sealed class MaterializerOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Materializer";

    /// <summary>
    /// Most events of one transaction. It costs some round trips and a flush of the log whatever it holds, so more of
    /// them make it cheaper by the event; 500 are some 150 KB, and a few milliseconds of locks.
    /// </summary>
    [Range(1, 10_000)] public int BatchSize { get; init; } = 500;

    /// <summary>Pause before another look at a stream that had little new; after a full batch there is none.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(75);

    /// <summary>
    /// Events kept in each partition's stream although they are stored, for GET /events. Some 150 bytes each.
    /// </summary>
    [Range(0, 10_000_000)] public int KeepEvents { get; init; } = 10_000;

    /// <summary>
    /// How often an instance asks whether a partition's reader has gone, and so about the time that a takeover takes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan TakeoverInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How long a reader may be silent before PostgreSQL ends its session, and with it its lock: a process that is
    /// frozen, or a machine that has gone without a word.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ReaderLease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest pause between two attempts while Redis or PostgreSQL is away; the first is 50 ms, and each is twice the
    /// one before. Bounds how long after their return events wait.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The rule of <see cref="LeaseOutlivesPolls"/>, for people.</summary>
    public const string LeaseOutlivesPollsRule =
        "Materializer:ReaderLease must be at least four times Materializer:PollInterval.";

    /// <summary>Whether an idle reader is heard of often enough to keep its lock.</summary>
    public static bool LeaseOutlivesPolls(MaterializerOptions options) =>
        options.ReaderLease >= 4 * options.PollInterval;
}
