using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// The stores that keep stock in Redis, one for each role of a client. They are the only callers of the scripts in
/// <c>lua/</c>. Refusals are answers; every failure of a call is a <see cref="StoreException"/>. A call for several
/// partitions that fails may have taken effect in some of them.
/// </summary>
public sealed class StockStores
{
    /// <summary>Opens the stores over one connection.</summary>
    /// <param name="redis">The connection that all calls share.</param>
    /// <param name="options">Layout and limits.</param>
    public StockStores(IConnectionMultiplexer redis, IOptions<StockOptions> options)
    {
        var partitioned = new PartitionedRedis(redis, options);
        Holds = new(partitioned);
        Confirmations = new(partitioned);
        Levels = new(partitioned);
        Events = new(partitioned);
        Maintenance = new(partitioned);
        Audit = new(partitioned);
    }

    /// <summary>Holds of shoppers.</summary>
    public HoldStore Holds { get; }

    /// <summary>Holds on their way to orders.</summary>
    public ConfirmationStore Confirmations { get; }

    /// <summary>Stock levels.</summary>
    public LevelStore Levels { get; }

    /// <summary>The streams of events.</summary>
    public EventStream Events { get; }

    /// <summary>Fences, rebuilds and repairs.</summary>
    public Maintenance Maintenance { get; }

    /// <summary>What the audit reads.</summary>
    public AuditReader Audit { get; }
}
