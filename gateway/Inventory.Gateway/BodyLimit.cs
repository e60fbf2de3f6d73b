using Microsoft.AspNetCore.Http.Features;

namespace Inventory.Gateway;

/// <summary>
/// Refuses a body whose declared length is too large before anything is forwarded. Kestrel counts a body without a
/// declared length while it is forwarded.
/// </summary>
internal sealed class BodyLimit(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context) =>
        context.Request.ContentLength > context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize
            ? GatewayProblem.PayloadTooLarge.WriteAsync(context)
            : next(context);
}
