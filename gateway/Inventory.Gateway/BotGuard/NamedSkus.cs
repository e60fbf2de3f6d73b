using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Inventory.Gateway.BotGuard;

/// <summary>Whether a request's body names a SKU that is tightened. Only called while there is one.</summary>
/// <remarks>
/// By design: every string in the body counts as a SKU, wherever it is. A false match costs one shopper a proof of
/// work; a missed SKU would let every bot pass. A body that isn't JSON names no SKU: the API refuses it.
/// </remarks>
internal static class NamedSkus
{
    // A SKU has at most 64 characters, and a character in JSON at most 6 bytes.
    private const int MaxLength = 64, MaxBytes = 6 * MaxLength;

    /// <summary>Reads the body, and leaves it for the forwarder to read again.</summary>
    /// <exception cref="BadHttpRequestException">The body is too large, too slow or broken.</exception>
    /// <exception cref="OperationCanceledException">The client disconnected, or the request timed out.</exception>
    public static async ValueTask<bool> AnyAsync(HttpContext context, Tightened tightened, long now)
    {
        // RequestArrival and Kestrel keep every body within the limit, so none spills to disk.
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? int.MaxValue;
        var size = (int)Math.Max(1, Math.Min(context.Request.ContentLength ?? limit, limit));
        context.Request.EnableBuffering(bufferThreshold: size);

        var body = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var length = 0;
            while (length < size)
            {
                var read = await context.Request.Body.ReadAsync(
                    body.AsMemory(length, size - length), context.RequestAborted);
                if (read == 0) break;
                length += read;
            }

            context.Request.Body.Position = 0;
            return Any(body.AsSpan(0, length), tightened, now);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private static bool Any(ReadOnlySpan<byte> body, Tightened tightened, long now)
    {
        Span<char> text = stackalloc char[MaxBytes];
        var json = new Utf8JsonReader(body);
        try
        {
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.String || json.ValueSpan.Length > MaxBytes) continue;
                if (tightened.HasSku(text[..json.CopyString(text)], now)) return true;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or not Unicode.
        }

        return false;
    }
}
