using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Which connections to a replica a request uses: each kind has its own, so that none can take those of another. A
/// route names its kind in its metadata <c>Pool</c>.
/// </summary>
internal enum ReplicaPool
{
    /// <summary>Shoppers' and operators' requests. The kind of a route that names none.</summary>
    Requests,

    /// <summary>Payments and confirms: what is paid must not wait behind a crowd.</summary>
    Payments,

    /// <summary>Streams, which last for hours.</summary>
    Streams,

    /// <summary>Health probes: a busy replica must not look like a dead one.</summary>
    Probes,
}

/// <summary>Sends each request over the connections of its kind.</summary>
/// <param name="create">Creates the connections of a kind.</param>
internal sealed class ReplicaPools(Func<ReplicaPool, HttpMessageHandler> create) : HttpMessageHandler
{
    private static readonly HttpRequestOptionsKey<ReplicaPool> Kind = new(nameof(ReplicaPool));

    private readonly HttpMessageInvoker[] pools =
        [.. Enum.GetValues<ReplicaPool>().Select(pool => new HttpMessageInvoker(create(pool)))];

    /// <summary>The pool that a route's metadata names.</summary>
    /// <exception cref="InvalidOperationException">There is no such pool.</exception>
    public static ReplicaPool Of(RouteConfig route)
    {
        if (route.Metadata?.TryGetValue("Pool", out var name) != true) return ReplicaPool.Requests;
        return Enum.TryParse(name, out ReplicaPool pool) && Enum.IsDefined(pool)
            ? pool
            : throw new InvalidOperationException($"Route {route.RouteId} has the unknown Pool {name}.");
    }

    /// <summary>Makes a request use another pool than that of ordinary requests.</summary>
    public static void Use(HttpRequestMessage request, ReplicaPool pool) => request.Options.Set(Kind, pool);

    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken) =>
        pools[(int)(request.Options.TryGetValue(Kind, out var pool) ? pool : ReplicaPool.Requests)]
            .SendAsync(request, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var pool in pools) pool.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>Makes a route's requests use its pool.</summary>
internal sealed class UsesPool(ReplicaPool pool) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        ReplicaPools.Use(context.ProxyRequest, pool);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Makes health probes, over connections of their own.</summary>
internal sealed class ProbeRequests : IProbingRequestFactory
{
    public HttpRequestMessage CreateRequest(ClusterModel cluster, DestinationModel destination)
    {
        var address = destination.Config.Health ?? destination.Config.Address;
        var path = cluster.Config.HealthCheck?.Active?.Path ?? "/";
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(address), path))
        {
            Version = cluster.Config.HttpRequest?.Version ?? System.Net.HttpVersion.Version11,
            VersionPolicy = cluster.Config.HttpRequest?.VersionPolicy ?? HttpVersionPolicy.RequestVersionOrLower,
        };
        ReplicaPools.Use(request, ReplicaPool.Probes);
        return request;
    }
}
