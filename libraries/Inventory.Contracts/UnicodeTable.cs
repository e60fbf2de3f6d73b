using System.Globalization;

namespace Inventory.Contracts;

/// <summary>
/// Unicode's properties of characters, as far as names need them. Not of the runtime: an update of it would change
/// which names are allowed, and its normalization needs ICU, which the services run without
/// (<c>InvariantGlobalization</c>) and which then calls every text normalized.
/// </summary>
internal static class UnicodeTable
{
    private static readonly Dictionary<string, string[]> Sections = Read();
    private static readonly int[] Starts, Ends;
    private static readonly Dictionary<int, int> Classes = [];
    private static readonly Dictionary<int, (int First, int Second)> Parts = [];
    private static readonly Dictionary<(int First, int Second), int> Wholes = [];

    static UnicodeTable()
    {
        Printable = [.. Sections["printable"].Select(RangeOf)];
        Starts = [.. Printable.Select(range => range.First)];
        Ends = [.. Printable.Select(range => range.Last)];
        foreach (var entry in Sections["classes"].Select(entry => entry.Split(':')))
        {
            var (first, last) = RangeOf(entry[0]);
            for (var code = first; code <= last; code++) Classes[code] = int.Parse(entry[1], Invariant);
        }

        foreach (var entry in Sections["composed"].Select(entry => entry.Split('=', '+')))
        {
            var (whole, pair) = (Hex(entry[0]), (Hex(entry[1]), Hex(entry[2])));
            Parts[whole] = pair;
            Wholes[pair] = whole;
        }
    }

    /// <summary>The characters that a name may have, in ascending order.</summary>
    internal static IReadOnlyList<(int First, int Last)> Printable { get; }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    /// <summary>Whether a name may have the character.</summary>
    internal static bool IsPrintable(int code)
    {
        var at = Array.BinarySearch(Starts, code);
        return at >= 0 || (at = ~at - 1) >= 0 && code <= Ends[at];
    }

    /// <summary>The canonical combining class: 0 for a character that begins a new one.</summary>
    internal static int ClassOf(int code) => Classes.GetValueOrDefault(code);

    /// <summary>The pair that a character is composed of; null for none. Not of Hangul syllables.</summary>
    internal static (int First, int Second)? PartsOf(int code) => Parts.TryGetValue(code, out var pair) ? pair : null;

    /// <summary>The character that a pair composes; null for none. Not of Hangul syllables.</summary>
    internal static int? WholeOf(int first, int second) =>
        Wholes.TryGetValue((first, second), out var whole) ? whole : null;

    private static (int First, int Last) RangeOf(string text)
    {
        var ends = text.Split('-');
        return (Hex(ends[0]), Hex(ends[^1]));
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, Invariant);

    private static Dictionary<string, string[]> Read()
    {
        using var stream = typeof(UnicodeTable).Assembly.GetManifestResourceStream("unicode-14.0.txt")!;
        using var reader = new StreamReader(stream);
        var (sections, current) = (new Dictionary<string, List<string>>(), new List<string>());
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            if (line is "printable" or "classes" or "composed") sections[line] = current = [];
            else current.AddRange(line.Split(' '));
        }

        return sections.ToDictionary(section => section.Key, section => section.Value.ToArray());
    }
}
