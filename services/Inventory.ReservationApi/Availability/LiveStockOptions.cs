using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Availability;

/// <summary>How live stock is sent. Section <c>LiveStock</c>.</summary>
public sealed class LiveStockOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "LiveStock";

    /// <summary>
    /// Most changes a second that one listener gets. People can't follow more, and each costs a write per listener.
    /// </summary>
    [Range(1, 20)] public int UpdatesPerSecond { get; init; } = 4;

    /// <summary>
    /// Most listeners of one instance. Bounds its memory: each has a connection.
    /// </summary>
    [Range(0, 1_000_000)] public int MaxListeners { get; init; } = 10_000;

    /// <summary>
    /// Longest time that a stream sends nothing. Below the 30 seconds after which the gateway closes an idle
    /// connection.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:25")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a SKU may go unread without an event. Some changes make no event: a hold that is due while no
    /// expiration worker runs, a repair.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long events are followed after the last listener has left, so that a reconnecting one finds them followed.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Average time after which a disconnected listener reconnects. Each listener gets its own time, from half to one
    /// and a half of it, so that after a restart they don't all come at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Reconnect { get; init; } = TimeSpan.FromSeconds(2);
}
