using System.Globalization;
using System.Security.Cryptography;
using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Inventory.Identity;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Proxying;

/// <summary>Marks a route that answers with streams.</summary>
internal sealed record StreamRoute;

/// <summary>
/// Bounds the streams that are open at once: of one session, of one address and of this gateway. A stream takes a
/// connection here and at a replica for as long as its reader likes, so one caller must not get most of them.
/// </summary>
/// <remarks>
/// By design: callers with a key are bound by the total alone. Their operator knows how many they open.
/// </remarks>
internal sealed class OpenStreams(
    RequestDelegate next, ApiKeyRing keys, StreamMetrics metrics, IOptions<GatewayLimits> options)
{
    private const string All = "all";

    private readonly GatewayLimits limits = options.Value;
    private readonly OpenCounts open = new();

    // Spread, so that readers that were refused together don't come back together.
    private static string RetryAfter =>
        RandomNumberGenerator.GetInt32(5, 16).ToString(CultureInfo.InvariantCulture);

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<StreamRoute>() is null ? next(context) : StreamAsync(context);

    private async Task StreamAsync(HttpContext context)
    {
        string? address = null, session = null;
        if (keys.Find(context.Request.Headers[InventoryHeaders.ApiKey]) is null)
        {
            address = "address " + ClientAddress.Of(context.Connection.RemoteIpAddress);
            if (context.Request.Headers[InventoryHeaders.Shopper] is [{ } shopper]) session = "session " + shopper;
        }

        if (EnterOrRefuse(address, session) is { } refusal)
        {
            metrics.Refused();
            context.Response.Headers.RetryAfter = RetryAfter;
            await refusal.WriteAsync(context);
            return;
        }

        metrics.Opened(1);
        try
        {
            await next(context);
        }
        finally
        {
            metrics.Opened(-1);
            open.Leave(session);
            open.Leave(address);
            open.Leave(All);
        }
    }

    /// <summary>Takes a place, or says why there is none.</summary>
    private GatewayProblem? EnterOrRefuse(string? address, string? session)
    {
        if (!open.TryEnter(All, limits.Streams)) return GatewayProblem.TooManyListeners;
        if (open.TryEnter(address, limits.StreamsPerAddress))
        {
            if (open.TryEnter(session, limits.StreamsPerSession)) return null;
            open.Leave(address);
        }

        open.Leave(All);
        return GatewayProblem.TooManyStreams;
    }
}
