using System.Globalization;
using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>One entry of a partition's stream, whether or not it can be parsed.</summary>
/// <param name="Id">Its position in the stream: milliseconds and a number, ascending.</param>
/// <param name="Fields">Its fields, in order.</param>
public sealed record StreamRecord(string Id, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    private static readonly HashSet<string> HoldTypes =
    [
        "reserved", "adjusted", "extended", "released", "expired", "unpinned", "confirmed", "revived",
    ];

    /// <summary>Parses the entry as an event.</summary>
    /// <exception cref="FormatException">
    /// The entry is not one that the scripts of this version write; the message gives the reason.
    /// </exception>
    public StockEvent Parse()
    {
        try
        {
            var type = Field("type");
            return type == "stock-set" ? ParseStock() : ParseHold(type);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new FormatException($"A field can't be read: {e.Message}", e);
        }
    }

    private StockEvent ParseHold(string type)
    {
        Require(HoldTypes.Contains(type), "type");
        var sequence = int.Parse(Field("sequence"), Invariant);
        Require(sequence >= 1, "sequence");
        var holder = Field("holder");
        Require(Holder.IsText(holder), "holder");
        var deadline = long.Parse(Field("deadline_ms"), Invariant);
        Require(deadline >= 1, "deadline_ms");
        return new(
            Id, type, ReservationKey.Parse(Field("reservation")), sequence, Holder.Parse(holder),
            DateTimeOffset.FromUnixTimeMilliseconds(deadline), Lines(least: 1), Trace());
    }

    private StockEvent ParseStock()
    {
        Require(Field("reservation").Length == 0, "reservation");
        Require(Field("sequence") == "0", "sequence");
        return new(Id, "stock-set", null, 0, null, null, Lines(least: 0), Trace());
    }

    private IReadOnlyList<Line> Lines(int least)
    {
        var lines = Reply.Lines(Field("lines"));
        Require(lines.Count > 0 && lines.All(line => Names.IsSku(line.Sku) && line.Quantity >= least), "lines");
        return lines;
    }

    private string? Trace() => Field("trace") is { Length: > 0 } trace ? trace : null;

    private string Field(string name)
    {
        foreach (var field in Fields)
        {
            if (field.Key == name) return field.Value;
        }

        throw new FormatException($"The field {name} is missing.");
    }

    private void Require(bool holds, string field)
    {
        if (holds) return;
        throw new FormatException($"The field {field} is '{Field(field)}', which no script of ours writes.");
    }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;
}
