using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Availability;

/// <summary>How stock is shown live. Section <c>LiveStock</c>.</summary>
public sealed class LiveStockOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "LiveStock";

    /// <summary>
    /// Most changes a second that one listener is sent. People can't follow more, and each costs a write per listener.
    /// </summary>
    [Range(1, 20)] public int UpdatesPerSecond { get; init; } = 4;

    /// <summary>
    /// Most listeners of one instance. Bounds its memory: each has a connection.
    /// </summary>
    [Range(0, 1_000_000)] public int MaxListeners { get; init; } = 10_000;

    /// <summary>
    /// Longest silence of a stream. Below the 30 seconds after which the gateway takes a silent connection for dead.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:25")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a SKU may go unread while nothing is heard of it. Some changes make no event: a hold that runs out
    /// while no expiration worker is there, a repair.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long events are followed on after the last listener has gone. A reconnecting one finds them followed.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After what time a listener that was cut off comes again, on average: each is told a time of its own from half to
    /// one and a half of it, so that a restart doesn't bring all of them at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Reconnect { get; init; } = TimeSpan.FromSeconds(2);
}
