using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Inventory.Contracts;
using Inventory.ReservationApi.Problems;
using Inventory.Stock;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Inventory.ReservationApi.Requests;

/// <summary>The body of a request and its idempotency key, or why they can't be used.</summary>
/// <param name="Value">What was sent; values in it are not checked yet.</param>
/// <param name="Idempotency">Null when the caller gave no key.</param>
/// <param name="Refusal">Null when all is well; otherwise the other members mean nothing.</param>
internal readonly record struct Incoming<T>(T Value, Idempotency? Idempotency, Refusal? Refusal);

/// <summary>
/// Reads JSON bodies. In place of the framework's binding, because the bytes as they came are part of the idempotency
/// key's request, and because its errors name .NET types where ours name fields.
/// </summary>
internal static class IncomingBody
{
    /// <summary>
    /// 64 KiB. The largest valid body, a batch of 100 reservations with some lines each, is a quarter of that.
    /// </summary>
    internal const int MaxBytes = 64 * 1024;

    /// <summary>
    /// Most bytes that the server reads of one body. Beyond <see cref="MaxBytes"/> they are discarded after the answer,
    /// so that a client that is still sending can read it: a connection that is closed with bytes unread is reset, and
    /// the answer may be lost with it. A client that sends even more is disconnected.
    /// </summary>
    internal const int MaxBytesTaken = 1024 * 1024;

    internal static readonly Refusal TooLarge = Refusal.Of(Problem.PayloadTooLarge, "The body has more than 64 KiB.");

    internal static readonly Refusal NotJson = Refusal.Of(Problem.UnsupportedMediaType,
        "The body must be JSON in UTF-8, uncompressed: Content-Type: application/json.");

    private static readonly Refusal Empty =
        Refusal.Of(Problem.MalformedRequest, "The body is empty; a JSON object is needed.");

    private static readonly Refusal Unexpected =
        Refusal.Invalid("body", "must be left out: this call takes nothing but its path, query and headers");

    private static readonly Refusal NotAnObject =
        Refusal.Of(Problem.MalformedRequest, "The body must be a JSON object.");

    /// <summary>Reads the body and the idempotency key.</summary>
    /// <param name="http">The request.</param>
    /// <param name="type">What the body must look like.</param>
    internal static async ValueTask<Incoming<T>> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class
    {
        if (!IsJson(http.Request)) return Refuse<T>(NotJson);
        if (http.Request.ContentLength > MaxBytes) return Refuse<T>(TooLarge);
        if (await ReceiveAsync(http) is not { } body) return Refuse<T>(TooLarge);
        var incoming = Understand(http, body, type);
        http.Request.BodyReader.AdvanceTo(body.End);
        return incoming;
    }

    /// <summary>Reads a JSON body as it came, for what is signed.</summary>
    internal static async ValueTask<(byte[] Body, Refusal? Refusal)> ReadBytesAsync(HttpContext http)
    {
        if (!IsJson(http.Request)) return ([], NotJson);
        if (http.Request.ContentLength > MaxBytes) return ([], TooLarge);
        if (await ReceiveAsync(http) is not { } received) return ([], TooLarge);
        var body = received.ToArray();
        http.Request.BodyReader.AdvanceTo(received.End);
        return body.Length == 0 ? (body, Empty) : (body, null);
    }

    /// <summary>Refuses any body but an empty JSON object, which some clients send with every call.</summary>
    /// <returns>Null where there is nothing to refuse.</returns>
    internal static async ValueTask<Refusal?> RefuseAnyAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return null;
        if (await ReceiveAsync(http) is not { } received) return TooLarge;
        var isEmpty = Encoding.UTF8.GetString(received).AsSpan().Trim() is "" or "{}";
        http.Request.BodyReader.AdvanceTo(received.End);
        return isEmpty ? null : Unexpected;
    }

    /// <summary>Waits for the whole body. Null when it is larger than allowed; what came of it is discarded.</summary>
    private static async ValueTask<ReadOnlySequence<byte>?> ReceiveAsync(HttpContext http)
    {
        while (true)
        {
            var read = await http.Request.ReadBodyAsync(http.RequestAborted);
            var isTooLarge = read.Buffer.Length > MaxBytes;
            if (read.IsCompleted && !isTooLarge) return read.Buffer;
            http.Request.BodyReader.AdvanceTo(isTooLarge ? read.Buffer.End : read.Buffer.Start, read.Buffer.End);
            if (isTooLarge) return null;
        }
    }

    private static Incoming<T> Understand<T>(HttpContext http, in ReadOnlySequence<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        if (body.IsEmpty) return Refuse<T>(Empty);
        if (IdempotencyKey.Read(http, body, out var idempotency) is { } badKey) return Refuse<T>(badKey);
        try
        {
            var json = new Utf8JsonReader(body);
            var value = JsonSerializer.Deserialize(ref json, type);
            // One value and nothing after it: reading on throws when there is more.
            json.Read();
            return value is null ? Refuse<T>(NotAnObject) : new(value, idempotency, null);
        }
        catch (JsonException e)
        {
            return Refuse<T>(JsonShape.Explain(body, type, e));
        }
    }

    private static bool IsJson(HttpRequest request) =>
        request.Headers.ContentEncoding.Count == 0
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));

    private static Incoming<T> Refuse<T>(Refusal refusal) where T : class => new(null!, null, refusal);
}
