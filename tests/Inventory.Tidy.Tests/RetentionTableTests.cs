using System.Text.RegularExpressions;

namespace Inventory.Tidy.Tests;

/// <summary>
/// docs/retention.md says of every key family what bounds it. The ledger's tests compare its tables.
/// </summary>
public sealed partial class RetentionTableTests
{
    private const string Page = "docs/retention.md";

    /// <summary>Key families up to their first variable part, such as <c>stock:</c>, or whole names.</summary>
    private static HashSet<string> Documented =>
    [
        .. Repository.Text(Page).Split("## PostgreSQL")[0].Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Span().Matches(line.Split('|')[1]).Select(span => span.Groups[1].Value.Split('<')[0])),
    ];

    private static IEnumerable<string> Sources =>
        new[] { "libraries", "services", "gateway" }.SelectMany(folder => Repository.Files("*.cs", folder));

    private static HashSet<string> Named =>
    [
        .. Repository.Files("*.lua", "lua").SelectMany(path => InScript(Repository.Text(path))),
        .. Sources.SelectMany(path => InSource(Repository.Text(path))),
    ];

    [Fact]
    public void Every_key_family_has_a_row()
    {
        var documented = Documented;
        Repository.AssertNone(Named.Where(name =>
            !documented.Any(known => known == name || IsBeginning(name, known))));
    }

    [Fact]
    public void Every_row_is_a_key_family_of_the_code() => Repository.AssertNone(Documented.Except(Named));

    [Fact]
    public void Every_named_setting_exists() => Repository.AssertNone(
        from Match setting in Setting().Matches(Repository.Text(Page))
        let path = setting.Groups[1].Value
        where !Sources.Concat(Repository.Files("*.cs", "Inventory.ServiceDefaults")).Select(Repository.Text)
            .Any(text => HasSetting(text, path))
        select $"{path} is no setting");

    /// <summary>The code may add the rest of the name elsewhere, as for <c>{gateway}:guard:</c>.</summary>
    private static bool IsBeginning(string name, string known) =>
        name.EndsWith(':') && known.StartsWith(name, StringComparison.Ordinal);

    private static IEnumerable<string> InScript(string text) =>
        Derived().Matches(text).Select(match => match.Groups[1].Value)
            .Concat(InHeader().Matches(text).Select(match =>
                match.Groups[1].Value.Replace("{inv:p}:", "", StringComparison.Ordinal).Split('<')[0]));

    private static IEnumerable<string> InSource(string text)
    {
        var plain = text.Replace("{GatewayKeys.Tag}", "{gateway}", StringComparison.Ordinal)
            .Replace("{GatewayKeys.Guard}", "{gateway}:guard", StringComparison.Ordinal)
            .Replace("= Tag + \"", "= \"{gateway}", StringComparison.Ordinal)
            .Replace("= Guard + \"", "= \"{gateway}:guard", StringComparison.Ordinal);
        return OfPartition().Matches(text).Concat(OfGateway().Matches(plain)).Concat(OfOthers().Matches(plain))
            .Select(match => match.Groups[1].Value);
    }

    /// <summary>A section and a property of its options; what follows are members of the property.</summary>
    private static bool HasSetting(string text, string path)
    {
        var section = Section().Match(text).Groups[1].Value;
        if (section.Length == 0 || !path.StartsWith(section + ":", StringComparison.Ordinal)) return false;
        var name = path[(section.Length + 1)..].Split(':')[0];
        return Regex.IsMatch(text, $@"public [^\n(]+ {name} {{ get;");
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"`([A-Z]\w+(?::[A-Z]\w+)+)`")]
    private static partial Regex Setting();

    [GeneratedRegex(@"Section = ""([^""]+)""")]
    private static partial Regex Section();

    [GeneratedRegex(@"(?:prefix|partition)\s*\.\.\s*'([a-z]+:?)")]
    private static partial Regex Derived();

    [GeneratedRegex(@"(\{inv:p\}:[a-z]+:?|\{gateway\}:[a-z-]*(?::[a-z-]+)*:?)")]
    private static partial Regex InHeader();

    [GeneratedRegex(@"(?:\bTag \+ ""|\{[Tt]ag\})([a-z]+:?)")]
    private static partial Regex OfPartition();

    [GeneratedRegex(@"""(\{gateway\}:[a-z:-]*)")]
    private static partial Regex OfGateway();

    [GeneratedRegex(@"RedisKey \w+(?:\([^)]*\))?\s*=>?\s*\$?""([a-z][a-z0-9:-]*)")]
    private static partial Regex OfOthers();
}
