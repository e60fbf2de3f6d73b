using System.Globalization;
using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>The content of an active hold's text.</summary>
/// <param name="Confirming">Whether it is pinned.</param>
/// <param name="Sequence">The number of its events.</param>
/// <param name="CreatedAt">When it began.</param>
/// <param name="Deadline">
/// The deadline under which it is stored; the Unix epoch in texts that were written before there were pages.
/// </param>
/// <param name="Holder">The holder.</param>
/// <param name="Lines">The lines.</param>
public sealed record ActiveHold(
    bool Confirming, int Sequence, DateTimeOffset CreatedAt, DateTimeOffset Deadline, Holder Holder,
    IReadOnlyList<Line> Lines);

/// <summary>
/// Reads holds in the form that <c>lua/shared/holds.lua</c> writes, without a script: fields separated by tabs.
/// </summary>
public static class HoldText
{
    private const int FirstLine = 5;

    /// <summary>Reads an active hold.</summary>
    /// <param name="text">The hold; null for none.</param>
    /// <returns>Null when there is no hold, or the text isn't that of an active hold.</returns>
    public static ActiveHold? Parse(string? text)
    {
        var fields = text?.Split('\t') ?? [];
        DateTimeOffset created = default, deadline = default;
        var isWhole = fields.Length >= FirstLine + 2 && fields.Length % 2 == 1 && fields[0] is ("p" or "c")
            && TryTime(fields[2], out created) && TryTime(fields[3], out deadline);
        if (!isWhole || !TryCount(fields[1], out var sequence)) return null;
        var lines = new List<Line>();
        for (var i = FirstLine; i < fields.Length; i += 2)
        {
            if (fields[i].Length == 0 || !TryQuantity(fields[i + 1], out var quantity)) return null;
            lines.Add(new(SkuText.Unescape(fields[i]), quantity));
        }

        return new(fields[0] == "c", sequence, created, deadline, Holder.Parse(fields[4]), lines);
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private static bool TryQuantity(string text, out int quantity) =>
        TryCount(text, out quantity) && quantity > 0 && text[0] != '0';

    private static bool TryTime(string text, out DateTimeOffset time)
    {
        var isTime = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        time = isTime ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : default;
        return isTime;
    }
}
