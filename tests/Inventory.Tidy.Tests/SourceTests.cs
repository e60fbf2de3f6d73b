using System.Text.RegularExpressions;

namespace Inventory.Tidy.Tests;

/// <summary>The style rules that a machine can check.</summary>
public sealed partial class SourceTests
{
    private static IEnumerable<string> Sources =>
        Repository.Files("*.cs").Where(path => !path.Contains("/Migrations/"));

    private static IEnumerable<string> Scripts => Repository.Files("*.lua", "lua");

    [Fact]
    public void The_checks_find_source_files()
    {
        Assert.InRange(Sources.Count(), 50, int.MaxValue);
        Assert.InRange(Scripts.Count(), 8, int.MaxValue);
    }

    [Fact]
    public void Lines_are_not_too_long() => Repository.AssertNone(
        from path in Sources.Concat(Scripts)
        let limit = path.EndsWith(".lua", StringComparison.Ordinal) ? 100 : 120
        from line in Repository.Lines(path).Index()
        where line.Item.Length > limit
        select $"{path}({line.Index + 1}): {line.Item.Length} characters, at most {limit}");

    // The compiler server runs for minutes after a build, and keeps a lock that it has inherited.
    [Fact]
    public void A_shell_script_does_not_pass_its_lock_to_a_longer_running_process() => Repository.AssertNone(
        from path in Repository.Files("*.sh", "eng")
        let locked = Locking().Match(Repository.Text(path))
        where locked.Success
        from line in Repository.Lines(path).Index().SkipWhile(line => line.Item != locked.Value)
        where Lasting().IsMatch(line.Item) && !line.Item.Contains($"{locked.Groups[1]}>&-", StringComparison.Ordinal)
        select $"{path}({line.Index + 1}): {line.Item} inherits the lock");

    [Fact]
    public void Methods_are_not_too_long() => Repository.AssertNone(
        from path in Sources
        from block in Blocks(Repository.Lines(path))
        where block.Length > 70
        select $"{path}({block.Line}): {block.Length} lines, at most 70");

    [Fact]
    public void There_are_no_todos_and_no_commented_out_code() => Repository.AssertNone(
        from path in Sources.Concat(Scripts)
        where !path.EndsWith("SourceTests.cs", StringComparison.Ordinal)
        from line in Repository.Lines(path).Index()
        where LeftOver().IsMatch(line.Item)
        select $"{path}({line.Index + 1}): {line.Item.Trim()}");

    [Fact]
    public void File_names_are_specific() => Repository.AssertNone(
        Sources.Where(path => Vague().IsMatch(Path.GetFileNameWithoutExtension(path))));

    [Theory]
    [InlineData("libraries/Inventory.Stock/Inventory.Stock.csproj", "Npgsql|EntityFramework|Inventory.Ledger")]
    [InlineData("libraries/Inventory.Ledger/Inventory.Ledger.csproj", "Redis|Inventory.Stock")]
    [InlineData("libraries/Inventory.Settlement/Inventory.Settlement.csproj", "ServiceDefaults|Api|Worker")]
    [InlineData("libraries/Inventory.History/Inventory.History.csproj", "ServiceDefaults|Api|Worker|Materializer")]
    [InlineData("libraries/Inventory.Contracts/Inventory.Contracts.csproj", "Reference")]
    [InlineData("libraries/Inventory.Identity/Inventory.Identity.csproj", "Inventory.Stock|Inventory.Ledger|Package")]
    [InlineData("gateway/Inventory.Gateway/Inventory.Gateway.csproj", "Inventory.Ledger")]
    [InlineData("Inventory.ServiceDefaults/Inventory.ServiceDefaults.csproj", "Inventory.Stock|Inventory.Ledger")]
    public void Dependencies_run_one_way(string project, string forbidden) =>
        Assert.DoesNotMatch(forbidden, Repository.Text(project));

    [Fact]
    public void Hosts_do_not_reference_each_other() => Repository.AssertNone(
        from path in Repository.Files("*.csproj", "services").Concat(Repository.Files("*.csproj", "gateway"))
        from Match reference in ProjectReference().Matches(Repository.Text(path))
        where !Repository.Files("*.csproj", "libraries").Any(library => library.EndsWith(
            $"/{reference.Groups["name"].Value}.csproj", StringComparison.Ordinal))
        where reference.Groups["name"].Value != "Inventory.ServiceDefaults"
        select $"{path}: references {reference.Groups["name"].Value}");

    /// <summary>
    /// Bodies of members: from a line that opens a brace at a member's depth to the line that closes it.
    /// </summary>
    private static IEnumerable<(int Line, int Length)> Blocks(string[] lines)
    {
        foreach (var depth in new[] { "    ", "        " })
        {
            var start = -1;
            for (var i = 1; i < lines.Length; i++)
            {
                if (lines[i] == depth + "{" && !TypeOpening().IsMatch(lines[i - 1])) start = i;
                if (lines[i] != depth + "}" || start < 0) continue;
                yield return (start + 1, i - start - 1);
                start = -1;
            }
        }
    }

    [GeneratedRegex(@"^exec (\d)>.*$", RegexOptions.Multiline)]
    private static partial Regex Locking();

    [GeneratedRegex(@"^\s*(ensure_tools|build|dotnet)\b")]
    private static partial Regex Lasting();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK)\b|^\s*(//|--)\s*(var|return|if \(|foreach|local|end$|await|using)\b.*[;)]$")]
    private static partial Regex LeftOver();

    [GeneratedRegex("(Helper|Helpers|Utils|Util|Manager|Common|Misc)$")]
    private static partial Regex Vague();

    [GeneratedRegex(@"ProjectReference Include=""[^""]*/(?<name>[^/""]+)\.csproj""")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\b(class|struct|interface|enum|record)\b|^\s+(where|: )|^\s*\{|\) : ")]
    private static partial Regex TypeOpening();
}
