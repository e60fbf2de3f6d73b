using System.ComponentModel.DataAnnotations;

namespace Inventory.Stock;

/// <summary>How the stock engine lays out and bounds what it keeps in Redis. Section <c>Inventory</c>.</summary>
public sealed class StockOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Inventory";

    /// <summary>
    /// Into how many independent parts the keys are split, each a hash slot of Redis Cluster. With 1 a cart of any SKUs
    /// is one atomic script. Must not change while Redis holds data: it decides where a SKU's stock lies.
    /// </summary>
    [Range(1, 256)] public int Partitions { get; init; } = 1;

    /// <summary>
    /// Longest life of a hold from its creation, extensions included. Keeps a cart from locking stock for ever.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromHours(2);

    /// <summary>
    /// How long an Idempotency-Key is remembered. 24 hours outlast the retries of any client we know of.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan IdempotencyRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long Redis can still say how a reservation ended.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan EndedRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Most due lines one script call gives back. Bounds how long Redis serves nobody else: about 10 µs a line.
    /// </summary>
    [Range(1, 10_000)] public int ReclaimBatch { get; init; } = 500;
}
