using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway;

/// <summary>
/// Waits until a request's body has arrived, before the request takes anything that others need: a place of the
/// overload limiter, a budget, a connection to a replica. A client that trickles its body delays no other request.
/// </summary>
/// <remarks>
/// The body stays in the server's own buffer, which takes more while what is there has been examined. The body of most
/// requests has come with the headers. A declared length that is too large is refused at once; a body without one is
/// counted by the server while it arrives. The server ends a body that starves before this patience ends:
/// <see cref="ServerLimits"/>.
/// </remarks>
internal sealed class RequestArrival(RequestDelegate next, IOptions<GatewayLimits> limits)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return next(context);
        if (context.Request.ContentLength > limits.Value.RequestBodyBytes)
        {
            return GatewayProblem.PayloadTooLarge.WriteAsync(context);
        }

        return HasArrived(context.Request) ? next(context) : ReceiveAsync(context);
    }

    /// <summary>Whether the whole body is there, without waiting.</summary>
    private static bool HasArrived(HttpRequest request) => request.TryReadBody(out var read) && Keep(request, read);

    private async Task ReceiveAsync(HttpContext context)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(limits.Value.RequestTimeout);
        try
        {
            while (!Keep(context.Request, await context.Request.ReadBodyAsync(patience.Token)))
            {
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // The rest of the body would be taken for the next request.
            context.Response.Headers.Connection = "close";
            await GatewayProblem.RequestTooSlow.WriteAsync(context);
            return;
        }

        await next(context);
    }

    /// <summary>Leaves what was read in the buffer, for the forwarder.</summary>
    /// <returns>Whether it is the whole body.</returns>
    private static bool Keep(HttpRequest request, ReadResult read)
    {
        request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        return read.IsCompleted;
    }
}
