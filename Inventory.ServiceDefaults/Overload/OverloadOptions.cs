using System.ComponentModel.DataAnnotations;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>How much this instance takes on at once, and how long the rest waits. Section <c>Overload</c>.</summary>
public sealed class OverloadOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Overload";

    /// <summary>
    /// Requests that browse or reserve and are carried out at once, by processor. A core finishes some thousands a
    /// second, so so many are there for some tens of milliseconds; fewer would leave it idle while Redis answers, and
    /// more would only wait inside instead of outside, where nobody can choose among them.
    /// </summary>
    [Range(1, 100_000)] public int InFlightPerCore { get; init; } = 128;

    /// <summary>
    /// Of those, how many in a hundred may browse: a PostgreSQL that is slow to show products must not keep anybody
    /// from reserving.
    /// </summary>
    [Range(1, 100)] public int BrowsingPercent { get; init; } = 50;

    /// <summary>
    /// Longest wait of a reservation in a rush: thousands who come in the same second are served within this time,
    /// which is better than an answer that makes them come again. Well below the gateway's request timeout.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan ReservingWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait to browse in a rush. Who looks around is gone after a second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan BrowsingWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longest wait once somebody has been waiting for longer than a rush lasts. More come than can be served then, and
    /// waiting would add to the time of all without serving one more.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan SteadyWait { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Most who wait: what they may take of memory, a kilobyte or so each beside their connection.</summary>
    [Range(1, 1_000_000)] public int MaxWaiting { get; init; } = 10_000;
}
