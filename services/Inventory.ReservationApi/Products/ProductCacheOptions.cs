using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Products;

/// <summary>How long products are cached. Section <c>ProductCache</c>.</summary>
public sealed class ProductCacheOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "ProductCache";

    /// <summary>
    /// How long an instance caches a product. Every instance is notified of changes by this API; a change without a
    /// notification (a name changed by plain SQL, a message lost with its connection) shows after this time and
    /// <see cref="SharedLifetime"/>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long Redis caches a product for all instances.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan SharedLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long an instance caches that there is no such product. Keeps a wrong link from reading PostgreSQL each time.
    /// Short, because a product that plain SQL adds causes no notification.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:10")]
    public TimeSpan UnknownLifetime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most products that an instance caches. Bounds its memory.</summary>
    [Range(1, 1_000_000)] public int MaxEntries { get; init; } = 10_000;

    /// <summary>
    /// How long a read waits for Redis before it reads PostgreSQL. Redis answers in a millisecond, PostgreSQL in a few.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:02")]
    public TimeSpan RedisPatience { get; init; } = TimeSpan.FromMilliseconds(200);
}
