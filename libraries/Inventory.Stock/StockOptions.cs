using System.ComponentModel.DataAnnotations;

namespace Inventory.Stock;

/// <summary>Layout and limits of the data in Redis. Section <c>Inventory</c>.</summary>
public sealed class StockOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Inventory";

    /// <summary>
    /// Number of partitions, each a hash slot of Redis Cluster. With 1, one atomic script handles a cart of any SKUs.
    /// Must not change while Redis holds data: it decides which partition has a SKU's stock.
    /// </summary>
    [Range(1, 256)] public int Partitions { get; init; } = 1;

    /// <summary>
    /// Maximum lifetime of a hold from its creation, extensions included. A hold that replaces another one counts its
    /// lifetime from the creation of the replaced one. Keeps a cart from locking stock for ever.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromHours(2);

    /// <summary>
    /// Most active holds of one SKU that one owner may have: a customer, a cart, or a shopper with all carts. Each hold
    /// makes further calls for its owner dearer, so without a bound one owner could keep Redis busy.
    /// </summary>
    [Range(1, 1_000)] public int MaxHoldsPerSku { get; init; } = 10;

    /// <summary>
    /// Most units of one SKU that a shopper may hold at once, with all carts. A session costs nothing, so without a
    /// bound one request of a stranger could hold all stock. Backends have no such limit, and units that a shopper has
    /// bought don't count.
    /// </summary>
    [Range(1, int.MaxValue)] public int MaxUnitsPerShopper { get; init; } = 20;

    /// <summary>
    /// Largest share of a SKU's total that a shopper may hold at once, as a fraction; one unit is always allowed. For
    /// products with few units, of which <see cref="MaxUnitsPerShopper"/> would allow all.
    /// </summary>
    [Range(0.001, 1.0)] public double MaxSharePerShopper { get; init; } = 1;

    /// <summary>
    /// How long an Idempotency-Key is remembered, from the call that had an effect. 24 hours are longer than the
    /// retries of any client we know of.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan IdempotencyRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long Redis remembers how a reservation ended.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan EndedRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Maximum number of due lines that one script call expires. Limits how long one call blocks Redis: about 10 µs a
    /// line.
    /// </summary>
    [Range(1, 10_000)] public int ReclaimBatch { get; init; } = 500;
}
