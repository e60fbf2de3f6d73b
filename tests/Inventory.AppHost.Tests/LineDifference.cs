namespace Inventory.AppHost.Tests;

/// <summary>The difference of two texts, line by line, as <c>diff</c> shows it.</summary>
internal static class LineDifference
{
    // Enough lines to see which service a variable belongs to.
    private const int Context = 4;

    /// <summary>Lines that only one text has, with the lines around them; empty when the texts are equal.</summary>
    public static string Between(string expected, string actual)
    {
        var lines = Compare(expected.Split('\n'), actual.Split('\n')).ToList();
        var shown = new List<string>();
        var last = -1;
        for (var index = 0; index < lines.Count; index++)
        {
            var near = lines.Skip(index - Context).Take(Math.Min(index, Context) + 1 + Context);
            if (near.All(line => line[0] == ' ')) continue;
            if (index > last + 1) shown.Add("…");
            shown.Add(lines[last = index]);
        }

        return string.Join('\n', shown);
    }

    private static IEnumerable<string> Compare(string[] before, string[] after)
    {
        // common[i, j]: how many lines before[i..] and after[j..] have in common, in their order.
        var common = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
            {
                common[i, j] = before[i] == after[j]
                    ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            if (i < before.Length && j < after.Length && before[i] == after[j])
            {
                yield return $"  {before[i++]}";
                j++;
            }
            else if (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]))
            {
                yield return $"- {before[i++]}";
            }
            else
            {
                yield return $"+ {after[j++]}";
            }
        }
    }
}
