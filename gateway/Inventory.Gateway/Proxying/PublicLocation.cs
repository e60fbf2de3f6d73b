using Yarp.ReverseProxy.Transforms;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Keeps Location usable from outside. A replica is addressed by its own name (platforms route by the Host header, so
/// the caller's would lead back to the gateway). An absolute Location made of that name becomes relative.
/// </summary>
internal sealed class PublicLocation : ResponseTransform
{
    public override ValueTask ApplyAsync(ResponseTransformContext context)
    {
        if (context.ProxyResponse is { Headers.Location: { IsAbsoluteUri: true } location, RequestMessage: { } request }
            && (location.Authority == request.RequestUri?.Authority || location.Authority == request.Headers.Host))
        {
            context.HttpContext.Response.Headers.Location = location.PathAndQuery + location.Fragment;
        }

        return ValueTask.CompletedTask;
    }
}
