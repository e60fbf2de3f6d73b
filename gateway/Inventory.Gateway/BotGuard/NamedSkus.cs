using System.Buffers;
using System.Diagnostics;
using System.Text.Json;

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

    /// <summary>Reads the body, and leaves it in the server's buffer for the forwarder.</summary>
    public static bool Any(HttpContext context, Tightened tightened, long now)
    {
        // RequestArrival has waited for the body, so all of it is there.
        var reader = context.Request.BodyReader;
        if (!reader.TryRead(out var read)) throw new UnreachableException("A request passed before its body arrived.");
        try
        {
            return Any(read.Buffer, tightened, now);
        }
        finally
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static bool Any(in ReadOnlySequence<byte> body, Tightened tightened, long now)
    {
        Span<char> text = stackalloc char[MaxBytes];
        var json = new Utf8JsonReader(body);
        try
        {
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.String || Length(json) > MaxBytes) continue;
                if (tightened.HasSku(text[..json.CopyString(text)], now)) return true;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or not Unicode.
        }

        return false;
    }

    private static long Length(in Utf8JsonReader json) =>
        json.HasValueSequence ? json.ValueSequence.Length : json.ValueSpan.Length;
}
