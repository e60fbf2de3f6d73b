namespace Inventory.Contracts;

/// <summary>Unicode's normalization form C (UAX 15), of texts that have only characters of names.</summary>
internal static class FormC
{
    // All characters before it stay as they are, and none of them combines with another.
    private const char FirstCombining = '\u0300';

    // Hangul syllables are computed: 19 leading, 21 vowel and 28 trailing letters, of which the first is none.
    private const int Syllables = 0xAC00, Leading = 0x1100, Vowels = 0x1161, Trailing = 0x11A7;
    private const int VowelCount = 21, TrailingCount = 28, SyllableCount = 19 * VowelCount * TrailingCount;

    /// <summary>Whether the text is in form C.</summary>
    internal static bool Is(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstCombining, char.MaxValue)) return true;
        int[] codes = [.. text.EnumerateRunes().Select(rune => rune.Value)];
        var parts = new List<int>(2 * codes.Length);
        foreach (var code in codes) Decompose(code, parts);
        Order(parts);
        return Compose(parts).SequenceEqual(codes);
    }

    private static void Decompose(int code, List<int> parts)
    {
        if (code - Syllables is >= 0 and < SyllableCount and var syllable)
        {
            parts.Add(Leading + (syllable / (VowelCount * TrailingCount)));
            parts.Add(Vowels + (syllable / TrailingCount % VowelCount));
            if (syllable % TrailingCount is > 0 and var trailing) parts.Add(Trailing + trailing);
        }
        else if (UnicodeTable.PartsOf(code) is var (first, second))
        {
            Decompose(first, parts);
            Decompose(second, parts);
        }
        else
        {
            parts.Add(code);
        }
    }

    /// <summary>Sorts the marks of each character by their classes; equal classes keep their order.</summary>
    private static void Order(List<int> parts)
    {
        for (var at = 1; at < parts.Count; at++)
        {
            var (code, place) = (parts[at], at);
            var own = UnicodeTable.ClassOf(code);
            if (own == 0) continue;
            for (; place > 0 && UnicodeTable.ClassOf(parts[place - 1]) > own; place--) parts[place] = parts[place - 1];
            parts[place] = code;
        }
    }

    private static List<int> Compose(List<int> parts)
    {
        var (composed, starter, previous) = (new List<int>(parts.Count), -1, 0);
        foreach (var code in parts)
        {
            var own = UnicodeTable.ClassOf(code);
            // A mark of the same or a higher class in between keeps two characters apart.
            var isNext = starter == composed.Count - 1;
            if (starter >= 0 && (isNext || previous < own) && Pair(composed[starter], code) is { } whole)
            {
                composed[starter] = whole;
                continue;
            }

            if (own == 0) starter = composed.Count;
            previous = own;
            composed.Add(code);
        }

        return composed;
    }

    private static int? Pair(int first, int second)
    {
        if (first - Leading is >= 0 and < 19 and var leading && second - Vowels is >= 0 and < VowelCount and var vowel)
        {
            return Syllables + (((leading * VowelCount) + vowel) * TrailingCount);
        }

        var isOpen = first - Syllables is >= 0 and < SyllableCount and var syllable && syllable % TrailingCount == 0;
        return isOpen && second - Trailing is > 0 and < TrailingCount and var trailing
            ? first + trailing
            : UnicodeTable.WholeOf(first, second);
    }
}
