using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Queue;

/// <summary>When the circuit to Redis opens, and when Redis is probed. Section <c>StockCircuit</c>.</summary>
public sealed class StockCircuitOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "StockCircuit";

    /// <summary>
    /// How long one call may take; up to a quarter of a second more, because the client checks four times a second. A
    /// decision takes less than a millisecond, and a flush of Redis' log can delay it by hundreds. A Redis that hangs
    /// is noticed after this time.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:10")]
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Failures in a row that open the circuit. A single one may be a broken connection.</summary>
    [Range(2, 1_000)] public int Failures { get; init; } = 3;

    /// <summary>How long the circuit is open before one call of one background task probes Redis.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan BreakTime { get; init; } = TimeSpan.FromSeconds(1);
}
