using System.Globalization;
using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>One entry of a partition's stream, whether or not it can be parsed.</summary>
/// <param name="Id">Its position in the stream: milliseconds and a number, ascending.</param>
/// <param name="Fields">Its fields, in order.</param>
public sealed record StreamRecord(string Id, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    /// <summary>Parses the entry as an event.</summary>
    /// <exception cref="FormatException">
    /// The entry is not one that the scripts of this version write; the message gives the reason.
    /// </exception>
    public StockEvent Parse()
    {
        try
        {
            var type = Field(EventFields.Type);
            return type == EventTypes.StockSet ? ParseStock() : ParseHold(type);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new FormatException($"A field can't be read: {e.Message}", e);
        }
    }

    private StockEvent ParseHold(string type)
    {
        Require(EventTypes.OfReservations.Contains(type), EventFields.Type);
        var sequence = int.Parse(Field(EventFields.Sequence), Invariant);
        Require(sequence >= 1, EventFields.Sequence);
        var holder = Field(EventFields.Holder);
        Require(Names.IsHolder(holder), EventFields.Holder);
        var deadline = long.Parse(Field(EventFields.DeadlineMs), Invariant);
        Require(deadline >= 1, EventFields.DeadlineMs);
        return new(
            Id, type, ReservationKey.Parse(Field(EventFields.Reservation)), sequence, Holder.Parse(holder),
            DateTimeOffset.FromUnixTimeMilliseconds(deadline), Lines(least: 1), Trace());
    }

    private StockEvent ParseStock()
    {
        Require(Field(EventFields.Reservation).Length == 0, EventFields.Reservation);
        Require(Field(EventFields.Sequence) == "0", EventFields.Sequence);
        return new(Id, EventTypes.StockSet, null, 0, null, null, Lines(least: 0), Trace());
    }

    private IReadOnlyList<Line> Lines(int least)
    {
        var text = Field(EventFields.Lines);
        var lines = LinesText.Read(text);
        var areValid = lines.Count > 0 && lines.All(line => Names.IsSku(line.Sku) && line.Quantity >= least)
            && LinesText.Write(lines) == text;
        Require(areValid, EventFields.Lines);
        return lines;
    }

    private string? Trace() => Field(EventFields.Trace) is { Length: > 0 } trace ? trace : null;

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
