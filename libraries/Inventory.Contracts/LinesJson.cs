using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Inventory.Contracts;

/// <summary>Lines as the ledger stores them: a JSON array of objects with a SKU and a quantity.</summary>
public static class LinesJson
{
    private const string Sku = "sku", Quantity = "quantity";

    /// <summary>Writes lines.</summary>
    public static string Write(IReadOnlyList<Line> lines)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            foreach (var line in lines)
            {
                writer.WriteStartObject();
                writer.WriteString(Sku, line.Sku);
                writer.WriteNumber(Quantity, line.Quantity);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    /// <summary>Reads lines that may have been written by hand.</summary>
    /// <returns>
    /// Empty when they can't be read: they are no such array, or one of them has no SKU that can be sold or no unit.
    /// </returns>
    public static IReadOnlyList<Line> ReadOrEmpty(string json)
    {
        try
        {
            var lines = Read(json);
            return lines.All(line => Names.IsSku(line.Sku) && line.Quantity >= 1) ? lines : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException
            or FormatException)
        {
            return [];
        }
    }

    /// <summary>Reads lines.</summary>
    public static IReadOnlyList<Line> Read(string json)
    {
        using var lines = JsonDocument.Parse(json);
        return
        [
            .. lines.RootElement.EnumerateArray().Select(line =>
                new Line(line.GetProperty(Sku).GetString()!, line.GetProperty(Quantity).GetInt32())),
        ];
    }
}
