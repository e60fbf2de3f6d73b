using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Products;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/cache: hits and misses of the product cache.</summary>
public static class ShowCache
{
    /// <summary>Figures of one instance since its start.</summary>
    /// <param name="Instance">The instance that answered: its host and process. The metrics have all instances.</param>
    /// <param name="Memory">The instance's own cache, read first.</param>
    /// <param name="Redis">The cache that all instances share, read when memory has nothing.</param>
    /// <param name="Invalidations">Products removed because they were changed.</param>
    public sealed record Response(string Instance, CacheLayer Memory, CacheLayer Redis, long Invalidations);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(OperationsFeature.Path + "/cache", Handle)
        .WithName(nameof(ShowCache))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Look at the product cache")
        .WithDescription("How often products are read without PostgreSQL: figures of the instance that answers, since "
            + "its start.")
        .Answers<Response>(StatusCodes.Status200OK, "The figures.")
        .Refuses();

    internal static IResult Handle(ProductCache cache, ProductCacheMetrics metrics)
    {
        var (hits, misses) = metrics.Memory;
        var redis = metrics.Redis;
        var response = new Response(
            $"{Environment.MachineName}/{Environment.ProcessId}",
            new(hits, misses, Rate(hits, misses)) { Entries = cache.Entries },
            new(redis.Hits, redis.Misses, Rate(redis.Hits, redis.Misses + redis.Away)) { Away = redis.Away },
            metrics.Invalidations);
        return JsonAnswer.Of(StatusCodes.Status200OK, response, ApiJson.Default.ShowCacheResponse);
    }

    private static double? Rate(long hits, long others) =>
        hits + others == 0 ? null : Math.Round((double)hits / (hits + others), 4);
}

/// <summary>One layer of the cache.</summary>
/// <param name="Hits">Reads that it answered.</param>
/// <param name="Misses">Reads that it could not.</param>
/// <param name="Rate">Its share of hits, 0 to 1; absent before the first read.</param>
public sealed record CacheLayer(long Hits, long Misses, double? Rate)
{
    /// <summary>Products in it; only for memory.</summary>
    public int? Entries { get; init; }

    /// <summary>Calls for which it was unavailable or too slow; only for Redis.</summary>
    public long? Away { get; init; }
}
