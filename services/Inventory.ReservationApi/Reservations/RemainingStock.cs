using System.Text.Json;
using System.Text.Json.Serialization;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>
/// The stock that is left after a new hold, in the shape of the request: a number for the one-line form, a list of
/// <c>{sku, available}</c> for a request with items.
/// </summary>
/// <param name="Lines">The SKUs that were asked for.</param>
/// <param name="AsNumber">Whether the value is the bare number of one SKU.</param>
[JsonConverter(typeof(Converter))]
public sealed record RemainingStock(IReadOnlyList<LineAvailability> Lines, bool AsNumber)
{
    /// <summary>Writes either shape. Nothing reads it back.</summary>
    internal sealed class Converter : JsonConverter<RemainingStock>
    {
        public override RemainingStock Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Remaining stock is only ever an answer.");

        public override void Write(Utf8JsonWriter writer, RemainingStock value, JsonSerializerOptions options)
        {
            if (value.AsNumber)
            {
                writer.WriteNumberValue(value.Lines[0].Available);
                return;
            }
            writer.WriteStartArray();
            foreach (var line in value.Lines)
            {
                writer.WriteStartObject();
                writer.WriteString("sku"u8, line.Sku);
                writer.WriteNumber("available"u8, line.Available);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
    }
}
