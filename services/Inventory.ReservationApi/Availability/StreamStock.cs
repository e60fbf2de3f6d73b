using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Availability;

/// <summary>GET /api/stock/{sku}/stream: one SKU's stock as it changes, as server-sent events.</summary>
public static class StreamStock
{
    private const string LastSeen = "Last-Event-ID";
    private const int RetrySeconds = 10;

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/stock/{sku}/stream", Handle)
        .WithName(nameof(StreamStock))
        .WithTags("Stock")
        .ForEveryone("Stock levels are public.")
        .WithSummary("Follow one SKU's stock")
        .WithDescription("Server-sent events. `stock` has the present state first, and then every change, at most a "
            + "few a second: the latest state counts, and states in between are left out. `unavailable` says that "
            + "stock can't be read at the moment; the stream goes on with `stock` when it can. `unknown-sku` ends it. "
            + "Comments in between keep the connection alive. Reconnect with Last-Event-ID, as browsers do, and a "
            + "state that was seen before is not sent again.")
        .TakesHeader(LastSeen, "The id of the last event that was seen.")
        .Streams<ShowStock.Response>("The stock as it changes; each event's data has this shape.")
        .RefusesHead()
        .Refuses(Problem.UnknownSku, Problem.TooManyListeners)
        // A stream lasts as long as its client stays: its duration means nothing as a request metric.
        .DisableHttpMetrics();

    internal static async Task<IResult> Handle(
        HttpContext http, string sku, LiveStock live, LiveStockMetrics metrics, IOptions<LiveStockOptions> options)
    {
        if (!Names.IsSku(sku)) return Refusal.Invalid("sku", $"must be {Names.SkuRule}");
        using var listener = live.TryJoin(sku);
        if (listener is null)
        {
            return Refusal.Of(Problem.TooManyListeners,
                "This service has as many streams open as it allows. GET /api/stock/{sku} still answers.")
            with
            { Sku = sku, RetryAfterSeconds = RetrySeconds };
        }

        // Read after joining, so that the first state is no older than what the listener may have seen elsewhere. The
        // stream opens also while Redis is unavailable, because browsers never reconnect to one that failed to open.
        await listener.Topic.ReadAsync().WaitAsync(http.RequestAborted);
        if (listener.Topic.Latest.Frame == LiveFrame.UnknownSku) return Refusal.UnknownSku(sku);

        ServerSentEvents.Open(http.Response);
        try
        {
            await WriteAsync(Preamble(options.Value.Reconnect), http);
            await SendAsync(listener.Topic, live, metrics, http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected, the usual end of a stream.
        }
        return TypedResults.Empty;
    }

    private static async Task SendAsync(LiveTopic topic, LiveStock live, LiveStockMetrics metrics, HttpContext http)
    {
        string? seen = http.Request.Headers[LastSeen];
        var (number, beat) = (topic.Latest.Number - 1, live.Beat);
        LiveFrame? sent = null;
        while (!live.HasEnded)
        {
            var pulse = topic.NextPulse;
            var latest = topic.Latest;
            var frame = latest.Frame!;
            if (frame != sent && (frame.Id is null || frame.Id != seen))
            {
                if (!await WriteAsync(frame.Bytes, http)) return;
                metrics.Sent(spared: latest.Number - number - 1);
                if (frame == LiveFrame.UnknownSku) return;
            }
            else if (beat != live.Beat && !await WriteAsync(ServerSentEvents.Heartbeat, http))
            {
                return;
            }

            (sent, seen, number, beat) = (frame, frame.Id, latest.Number, live.Beat);
            if (!live.HasEnded) await pulse.WaitAsync(http.RequestAborted);
        }

        await WriteAsync(ServerSentEvents.Farewell, http);
    }

    private static byte[] Preamble(TimeSpan reconnect)
    {
        var usual = (int)reconnect.TotalMilliseconds;
        var own = RandomNumberGenerator.GetInt32(usual / 2, (usual * 3 / 2) + 1);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {own}\n\n"));
    }

    /// <summary>
    /// Writes and waits until the connection has taken it. What a slow listener has not read stays within the server's
    /// buffer for one response, and its next frame is the latest one at that time.
    /// </summary>
    /// <returns>Whether the listener is still there.</returns>
    private static async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, HttpContext http) =>
        !(await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted)).IsCompleted;
}
