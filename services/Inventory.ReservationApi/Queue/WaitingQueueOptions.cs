using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Queue;

/// <summary>The queue for reservations that come while stock can't be decided. Section <c>WaitingQueue</c>.</summary>
public sealed class WaitingQueueOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "WaitingQueue";

    /// <summary>Most tickets that wait at a time. Bounds the table, and how long the last ticket waits.</summary>
    [Range(0, 10_000_000)] public int Capacity { get; init; } = 100_000;

    /// <summary>
    /// Most tickets of one shopper's session that wait at a time; without a bound, one shopper could take a place for
    /// each request. A person waits for one cart, and a few tickets fill it SKU by SKU. Callers that name their
    /// customers themselves have no bound here.
    /// </summary>
    [Range(1, 1_000)] public int MaxPerShopper { get; init; } = 3;

    /// <summary>
    /// Most decisions a second once Redis is back; leaves capacity for other requests. What PostgreSQL can write bounds
    /// them too.
    /// </summary>
    [Range(1, 100_000)] public int DrainPerSecond { get; init; } = 5_000;

    /// <summary>How long a ticket waits. After a quarter of an hour the shopper has left.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long a decided ticket can be read. As long as the longest hold: afterwards it is of no use.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Longest time that a ticket's stream sends nothing. Below the 30 seconds after which the gateway closes an idle
    /// connection.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:10")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);
}
