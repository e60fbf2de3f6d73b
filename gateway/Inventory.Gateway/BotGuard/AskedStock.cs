using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Inventory.Contracts;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// What a request's body asks for: the greatest pressure on a SKU that it names, 0 when none is tightened, and the
/// units, 1 or more. Only read while something is tightened.
/// </summary>
/// <remarks>
/// By design: every string in the body counts as a SKU, and every number as units, wherever it is, except for the time
/// of a hold. A false match costs one shopper a proof of work or a longer one; a missed SKU or number would let every
/// bot pass. A body that isn't JSON asks for nothing, nor does a number that isn't whole: the API refuses both.
/// </remarks>
internal readonly record struct AskedStock(int Pressure, long Units)
{
    // A character in JSON has at most 12 bytes: two escaped surrogates.
    private const int MaxBytes = 12 * Names.MaxSkuLength;

    /// <summary>Reads the body, and leaves it in the server's buffer for the forwarder.</summary>
    public static AskedStock Of(HttpContext context, Tightened tightened, long now)
    {
        // RequestArrival has waited for the body, so all of it is there.
        var reader = context.Request.BodyReader;
        if (!reader.TryRead(out var read)) throw new UnreachableException("A request passed before its body arrived.");
        try
        {
            return Of(read.Buffer, tightened, now);
        }
        finally
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static AskedStock Of(in ReadOnlySequence<byte> body, Tightened tightened, long now)
    {
        Span<char> text = stackalloc char[MaxBytes];
        var json = new Utf8JsonReader(body);
        var (pressure, units, isTime) = (0, 0L, false);
        try
        {
            while (json.Read())
            {
                switch (json.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        isTime = json.ValueTextEquals("ttlSeconds") || json.ValueTextEquals("ttl_seconds");
                        continue;
                    case JsonTokenType.String when Length(json) <= MaxBytes:
                        pressure = Math.Max(pressure, tightened.PressureOnSku(text[..json.CopyString(text)], now));
                        break;
                    case JsonTokenType.Number when !isTime && json.TryGetInt64(out var number):
                        units = Math.Min(Difficulty.MostUnits, units + Math.Clamp(number, 0, Difficulty.MostUnits));
                        break;
                }

                isTime = false;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or not Unicode.
        }

        return new(pressure, Math.Max(1, units));
    }

    private static long Length(in Utf8JsonReader json) =>
        json.HasValueSequence ? json.ValueSequence.Length : json.ValueSpan.Length;
}
