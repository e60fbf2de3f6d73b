using System.ComponentModel.DataAnnotations;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>How many requests an instance serves at once, and how long others wait. Section <c>Overload</c>.</summary>
public sealed class OverloadOptions
{
    /// <summary>The configuration section of these options.</summary>
    public const string Section = "Overload";

    /// <summary>
    /// Requests in flight that browse or reserve, per processor. A core finishes some thousands a second, so this many
    /// take some tens of milliseconds. Fewer would leave the core idle while Redis answers; more would wait inside the
    /// service, where their priority has no effect.
    /// </summary>
    [Range(1, 100_000)] public int InFlightPerCore { get; init; } = 128;

    /// <summary>
    /// Of those, how many in a hundred may browse: a PostgreSQL that is slow to show products must not block
    /// reservations.
    /// </summary>
    [Range(1, 100)] public int BrowsingPercent { get; init; } = 50;

    /// <summary>
    /// Longest wait of a reservation in a rush: thousands that come in the same second are served within this time,
    /// which is better than an answer that makes them retry. Well below the gateway's request timeout.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan ReservingWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait to browse in a rush. A shopper who browses leaves after a second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan BrowsingWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longest wait in an overload: once the queue has not been empty for longer than a rush lasts. Waiting would delay
    /// all requests then, without serving one more.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan SteadyWait { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Most requests that wait. Bounds their memory, about a kilobyte each beside the connection.</summary>
    [Range(1, 1_000_000)] public int MaxWaiting { get; init; } = 10_000;
}
