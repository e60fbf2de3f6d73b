using System.Globalization;
using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Inventory.Identity;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Proxying;

/// <summary>Marks a route whose answers are streams.</summary>
internal sealed record IsStream;

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
    // A place comes free when some reader leaves. Readers that come back together would be refused together.
    private static readonly string RetryAfter = 10.ToString(CultureInfo.InvariantCulture);

    private readonly GatewayLimits limits = options.Value;
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> byCaller = new(StringComparer.Ordinal);
    private int open;

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IsStream>() is null ? next(context) : StreamAsync(context);

    private async Task StreamAsync(HttpContext context)
    {
        string? address = null, session = null;
        if (keys.Find(context.Request.Headers[InventoryHeaders.ApiKey]) is null)
        {
            address = "address " + ClientAddress.Of(context.Connection.RemoteIpAddress);
            if (context.Request.Headers[InventoryHeaders.Shopper] is [{ } shopper]) session = "session " + shopper;
        }

        if (Refusal(address, session) is { } refusal)
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
            lock (gate)
            {
                open--;
                Leave(address);
                Leave(session);
            }
        }
    }

    /// <summary>Takes a place, or says why there is none.</summary>
    private GatewayProblem? Refusal(string? address, string? session)
    {
        lock (gate)
        {
            if (open >= limits.Streams) return GatewayProblem.TooManyListeners;
            if (IsFull(address, limits.StreamsPerAddress) || IsFull(session, limits.StreamsPerSession))
            {
                return GatewayProblem.TooManyStreams;
            }

            open++;
            Join(address);
            Join(session);
            return null;
        }
    }

    private bool IsFull(string? caller, int most) => caller is not null && byCaller.GetValueOrDefault(caller) >= most;

    private void Join(string? caller)
    {
        if (caller is not null) byCaller[caller] = byCaller.GetValueOrDefault(caller) + 1;
    }

    private void Leave(string? caller)
    {
        if (caller is null) return;
        if (byCaller[caller] == 1) byCaller.Remove(caller);
        else byCaller[caller]--;
    }
}
