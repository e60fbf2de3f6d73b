using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Transforms;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Forwards a path with an encoded slash or percent sign as it was sent. The server decodes all of a path except %2F,
/// so that YARP, which encodes the decoded path again, would send %2F as %252F: another name.
/// </summary>
/// <remarks>
/// A replica's server reads the path as this one did when it chose the route. Nothing in between may change it, such as
/// the removal of dot segments in <see cref="Uri"/>, which has other rules.
/// </remarks>
internal sealed class SentPath : RequestTransform
{
    private static readonly UriCreationOptions Unchanged =
        new() { DangerousDisablePathAndQueryCanonicalization = true };

    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        var http = context.HttpContext;
        if (http.Request.Path.Value?.Contains('%', StringComparison.Ordinal) == true)
        {
            var target = PathAndQuery(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
            context.ProxyRequest.RequestUri = new(context.DestinationPrefix.TrimEnd('/') + target, Unchanged);
        }

        return ValueTask.CompletedTask;
    }

    // A client may send the whole address, as it would to a proxy.
    private static string PathAndQuery(string target)
    {
        if (target.StartsWith('/')) return target;
        var authority = target.IndexOf("://", StringComparison.Ordinal) + "://".Length;
        return target[target.IndexOf('/', authority)..];
    }
}
