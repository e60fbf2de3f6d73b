using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Gives a request whose replica failed one more chance on another, so that a replica's death is not the caller's
/// concern.
/// </summary>
/// <remarks>
/// Repeated: a request of which nothing was sent, whatever it is; and one that was sent, if its second execution
/// changes nothing and gets the same answer: GET, HEAD, or anything with an <c>Idempotency-Key</c>.
/// <para>
/// Absent: PUT and DELETE on the strength of their method alone. Their effect is idempotent, their answer is not: a
/// repeated If-Match fails and a repeated DELETE finds nothing. Also absent: a retry after a timeout, because the
/// first attempt may be running still and the caller's patience is spent, and a third attempt, because load that
/// multiplies while replicas fail is how the rest of them fails.
/// </para>
/// </remarks>
internal sealed class RetryOnce(RequestDelegate next)
{
    private const string IdempotencyKey = "Idempotency-Key";

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
        || request.Headers.ContainsKey(IdempotencyKey);

    private static void KeepBody(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return;

        // BodyLimit and Kestrel see to it that no body outgrows the limit, so none spills to disk.
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? int.MaxValue;
        var size = Math.Min(context.Request.ContentLength ?? limit, limit);
        context.Request.EnableBuffering(bufferThreshold: (int)Math.Max(size, 1));
    }

    private static void Rewind(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        proxy.AvailableDestinations = Alternatives(proxy);
        proxy.ProxiedDestination = null;

        // The forwarder takes a status other than 200 for a finished request, and we an error that is still set for a
        // failed one. Headers stay: a failed attempt leaves none, and those of the gateway's own belong to the caller.
        context.Features.Set<IForwarderErrorFeature>(null);
        context.Response.StatusCode = StatusCodes.Status200OK;

        // A body that was not kept cannot be sought; it was not read either, since no connection came about.
        if (context.Request.Body.CanSeek) context.Request.Body.Position = 0;
    }

    /// <summary>
    /// Prefers a healthy replica that was not tried, then any that was not tried, for health is yesterday's news when
    /// a replica has just died. A single address is tried again: several replicas may share it.
    /// </summary>
    private static IReadOnlyList<DestinationState> Alternatives(IReverseProxyFeature proxy)
    {
        var tried = proxy.ProxiedDestination;
        // The balancer has narrowed AvailableDestinations down to its choice; the cluster still knows them all.
        var cluster = proxy.Route.Cluster!.DestinationsState;
        DestinationState[] healthy = [.. cluster.AvailableDestinations.Where(other => other != tried)];
        if (healthy.Length > 0) return healthy;

        DestinationState[] others = [.. cluster.AllDestinations.Where(other => other != tried)];
        return others.Length > 0 ? others : cluster.AllDestinations;
    }
}
