using System.Globalization;

namespace Inventory.Stock;

/// <summary>Ids of entries in a Redis stream: milliseconds, a hyphen, a number. Without a number it is 0.</summary>
public static class StreamIds
{
    private static readonly TimeSpan MostAhead = TimeSpan.FromDays(1);

    private static readonly ulong LastMillisecond = (ulong)DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>
    /// Below 0, 0 or above 0: the first id is before, equal to or after the second. Null comes first.
    /// </summary>
    public static int Compare(string? one, string? other) => Read(one).CompareTo(Read(other));

    /// <summary>Whether a text is a complete id: milliseconds, a hyphen and a number, in 64 bits each.</summary>
    public static bool IsId(string text) =>
        text.IndexOf('-', StringComparison.Ordinal) is > 0 and var hyphen
        && IsNumber(text.AsSpan(0, hyphen)) && IsNumber(text.AsSpan(hyphen + 1));

    /// <summary>
    /// Whether an id may have been given by a script until now. An id that is more than a day ahead of the clock was
    /// given by hand, or by a clock that has been set right since. Later events would get ids after it, with false
    /// times, and after the last possible id there is none.
    /// </summary>
    /// <param name="id">Any text; null, for no id, is plausible.</param>
    /// <param name="now">The server's clock.</param>
    public static bool IsPlausible(string? id, DateTimeOffset now) =>
        id is null || (IsId(id) && TimeOf(id) - now <= MostAhead);

    /// <summary>
    /// When an entry was written, by Redis' clock. An id beyond the last date of the calendar gives that last date.
    /// </summary>
    public static DateTimeOffset TimeOf(string id) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Min(Read(id).Milliseconds, LastMillisecond));

    private static (ulong Milliseconds, ulong Number) Read(string? id)
    {
        if (id is null) return default;
        var hyphen = id.IndexOf('-', StringComparison.Ordinal);
        return hyphen < 0
            ? (Number(id), 0)
            : (Number(id.AsSpan(0, hyphen)), Number(id.AsSpan(hyphen + 1)));
    }

    private static bool IsNumber(ReadOnlySpan<char> digits) =>
        ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static ulong Number(ReadOnlySpan<char> digits) => ulong.Parse(digits, CultureInfo.InvariantCulture);
}
