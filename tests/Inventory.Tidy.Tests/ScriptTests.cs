using System.Text.RegularExpressions;

namespace Inventory.Tidy.Tests;

/// <summary>A script's header is its contract: its inputs and its results.</summary>
public sealed partial class ScriptTests
{
    public static TheoryData<string> Scripts =>
        [.. Repository.Files("*.lua", "lua").Where(path => !path.Contains("/shared/", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_header_names_every_key_and_argument_and_no_more(string path)
    {
        var lines = Repository.Lines(path);
        var headerLength = Array.FindIndex(lines, line => !line.StartsWith("--", StringComparison.Ordinal));
        var header = string.Join('\n', lines[..headerLength]);
        var body = string.Join('\n', lines[headerLength..]);
        var shared = string.Join(
            '\n',
            Included().Matches(header).Select(match => Repository.Text($"lua/{match.Groups[1].Value}")));

        var named = Inputs(header);
        Assert.Empty(Inputs(body).Except(named));
        Assert.Empty(named.Except(Inputs(body)).Except(Inputs(shared)));
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_header_has_the_purpose_the_results_and_the_invariants(string path)
    {
        var text = Repository.Text(path);

        Assert.StartsWith($"-- {Path.GetFileNameWithoutExtension(path)}: ", text, StringComparison.Ordinal);
        Assert.Contains("\n-- Returns ", text, StringComparison.Ordinal);
        Assert.Contains("\n-- Invariants: ", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_script_is_called_by_the_product(string path)
    {
        var name = string.Concat(
            Path.GetFileNameWithoutExtension(path)
                .Split('_')
                .Select(part => char.ToUpperInvariant(part[0]) + part[1..]));

        Assert.Contains(
            Repository.Files("*.cs").Where(file => !file.StartsWith("tests/", StringComparison.Ordinal)),
            file => Calls(name).Any(call => Repository.Text(file).Contains(call, StringComparison.Ordinal)));
    }

    private static string[] Calls(string name) => [$"Script.{name}.RunAsync", $"CallsOf(Script.{name}, "];

    /// <summary>Inputs such as KEYS[3] and ARGV[7]; `ARGV[7..]` covers those that the body reads in a loop.</summary>
    private static HashSet<string> Inputs(string text) => [.. Input().Matches(text).Select(match => match.Value)];

    [GeneratedRegex(@"\b(KEYS|ARGV)\[\d+\]")]
    private static partial Regex Input();

    [GeneratedRegex(@"^-- include (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Included();
}
