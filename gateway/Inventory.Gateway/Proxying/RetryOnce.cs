using Inventory.Contracts;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Sends a request to another replica, once, after its replica failed, so that callers don't notice the failure.
/// </summary>
/// <remarks>
/// Repeated: every request of which nothing was sent; and a request that was sent, if its second execution changes
/// nothing and gets the same answer: GET, HEAD, or any method with an <c>Idempotency-Key</c>.
/// <para>
/// By design: PUT and DELETE are not repeated for their method alone. Their effect is idempotent, their answer is not:
/// a repeated If-Match fails and a repeated DELETE finds nothing. No retry follows a timeout, because the first attempt
/// may still run and the caller has waited long enough. There is no third attempt, because load that multiplies while
/// replicas fail makes the rest of them fail.
/// </para>
/// </remarks>
internal sealed class RetryOnce(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var repeatable = IsRepeatable(context.Request);
        if (repeatable) KeepBody(context);

        await next(context);

        var again = UpstreamOutcome.Of(context) switch
        {
            UpstreamFailure.Unreachable => true,
            UpstreamFailure.Interrupted => repeatable,
            _ => false,
        };
        if (!again || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;

        Rewind(context);
        await next(context);
    }

    private static bool IsRepeatable(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        || HttpMethods.IsHead(request.Method)
        || request.Headers.ContainsKey(InventoryHeaders.IdempotencyKey);

    private static void KeepBody(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return;

        // RequestArrival and Kestrel keep every body within the limit, so none spills to disk.
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? int.MaxValue;
        var size = Math.Min(context.Request.ContentLength ?? limit, limit);
        context.Request.EnableBuffering(bufferThreshold: (int)Math.Max(size, 1));
    }

    private static void Rewind(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        proxy.AvailableDestinations = Alternatives(proxy);
        proxy.ProxiedDestination = null;

        // The forwarder takes a status other than 200 for a finished request, and UpstreamOutcome takes an error that
        // is still set for a failed one. Headers stay: a failed attempt leaves none, and the gateway's own are valid.
        context.Features.Set<IForwarderErrorFeature>(null);
        context.Response.StatusCode = StatusCodes.Status200OK;

        // A body that was not buffered can't be rewound. It was not read either, since no connection was made.
        if (context.Request.Body.CanSeek) context.Request.Body.Position = 0;
    }

    /// <summary>
    /// Prefers a healthy replica that was not tried, then any that was not tried, because health may be outdated when a
    /// replica has just died. A single address is tried again: several replicas may share it.
    /// </summary>
    private static IReadOnlyList<DestinationState> Alternatives(IReverseProxyFeature proxy)
    {
        var tried = proxy.ProxiedDestination;
        // The load balancer has reduced AvailableDestinations to its choice; the cluster still has all.
        var cluster = proxy.Route.Cluster!.DestinationsState;
        DestinationState[] healthy = [.. cluster.AvailableDestinations.Where(other => other != tried)];
        if (healthy.Length > 0) return healthy;

        DestinationState[] others = [.. cluster.AllDestinations.Where(other => other != tried)];
        return others.Length > 0 ? others : cluster.AllDestinations;
    }
}
