using System.Net.Mime;
using Microsoft.AspNetCore.Http.Features;

namespace Inventory.ReservationApi.Requests;

/// <summary>What all streams of server-sent events have in common.</summary>
internal static class ServerSentEvents
{
    /// <summary>A comment that keeps the connection alive.</summary>
    internal static readonly byte[] Heartbeat = ":\n\n"u8.ToArray();

    /// <summary>The last comment of an instance that stops.</summary>
    internal static readonly byte[] Farewell = ": this instance stops, reconnect\n\n"u8.ToArray();

    /// <summary>Begins a stream.</summary>
    internal static void Open(HttpResponse response)
    {
        response.ContentType = MediaTypeNames.Text.EventStream;
        response.Headers.CacheControl = "no-cache, no-store";
        // nginx would buffer some kilobytes before it forwards anything.
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }
}
