using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Inventory.AppHost.Tests;

/// <summary>
/// A file that azd uses instead of its own template, <c>Inventory.AppHost/infra/NAME.tmpl.yaml</c>. azd fills in the
/// expressions between double braces, and sends the result to Azure.
/// </summary>
internal sealed partial class Template
{
    /// <summary>The placeholder of the environment's domain.</summary>
    public const string Domain = "env.AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN";

    private readonly YamlMappingNode root;

    private Template(string name, YamlMappingNode root) => (Name, this.root) = (name, root);

    /// <summary>The name of its resource.</summary>
    public string Name { get; }

    /// <summary>All templates in the AppHost's folder.</summary>
    public static IEnumerable<Template> All =>
        Directory.EnumerateFiles(Folder, "*" + Extension).Order(StringComparer.Ordinal)
            .Select(file => Read(Path.GetFileName(file)[..^Extension.Length]));

    /// <summary>The template of one resource, as azd fills it in.</summary>
    public static Template Read(string resource)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(Fill(File.ReadAllText(Path.Combine(Folder, resource + Extension)))));
        return new(resource, (YamlMappingNode)yaml.Documents.Single().RootNode);
    }

    /// <summary>The placeholder of a parameter's value.</summary>
    public static string ValueOf(string parameter) => $"secret {parameter}";

    /// <summary>The text at a path such as <c>properties.template.scale.minReplicas</c>.</summary>
    public string At(string path) => ((YamlScalarNode)Node(root, path)).Value!;

    /// <summary>The container's environment variables, and which of them are kept as secrets.</summary>
    public IReadOnlyDictionary<string, (string Value, bool IsSecret)> Environment
    {
        get
        {
            var secrets = Items(Node(root, "properties.configuration.secrets"))
                .ToDictionary(secret => Text(secret, "name"), secret => Text(secret, "value"));
            return Items(Node(Container, "env")).ToDictionary(
                variable => Text(variable, "name"),
                variable => variable.Children.ContainsKey("secretRef")
                    ? (secrets[Text(variable, "secretRef")], true)
                    : (Text(variable, "value"), false));
        }
    }

    /// <summary>The container's probes by their type.</summary>
    public IReadOnlyDictionary<string, Probe> Probes => Items(Node(Container, "probes")).ToDictionary(
        probe => Text(probe, "type"),
        probe => new Probe(
            Text((YamlMappingNode)Node(probe, "httpGet"), "path"),
            Text((YamlMappingNode)Node(probe, "httpGet"), "port"),
            int.Parse(Text(probe, "periodSeconds")),
            int.Parse(Text(probe, "failureThreshold"))));

    /// <summary>The types of its scale rules.</summary>
    public IReadOnlyList<string> ScaleRules =>
        [.. Items(Node(root, "properties.template.scale.rules")).Select(rule => Node(rule, "custom.type").ToString())];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private const string Extension = ".tmpl.yaml";

    private static string Folder { get; } = Path.Combine(Manifest.RepoRoot, "Inventory.AppHost", "infra");

    private YamlMappingNode Container => Items(Node(root, "properties.template.containers")).Single();

    private static string Fill(string template) => Expression().Replace(template, match =>
    {
        var known = Known().Match(match.Groups["text"].Value);
        if (!known.Success) throw new InvalidOperationException($"azd is not known to fill in {match.Value}.");
        var argument = known.Groups["argument"].Value;
        return known.Groups["function"].Value switch
        {
            ".Env." => $"env.{argument}",
            ".Image" => "registry.example/image:1",
            "securedParameter" => ValueOf(argument),
            "parameterWithDefault" => known.Groups["default"].Value,
            _ => Expressions.ContainerPort,
        };
    });

    private static YamlNode Node(YamlNode from, string path) => path.Split('.').Aggregate(from, (node, key) =>
        node is YamlMappingNode map && map.Children.TryGetValue(key, out var child)
            ? child
            : throw new InvalidOperationException($"{path} is missing in {from}."));

    private static IEnumerable<YamlMappingNode> Items(YamlNode list) =>
        ((YamlSequenceNode)list).Cast<YamlMappingNode>();

    private static string Text(YamlMappingNode map, string key) => ((YamlScalarNode)map.Children[key]).Value!;

    [GeneratedRegex(@"\{\{(?<text>.*?)\}\}")]
    private static partial Regex Expression();

    [GeneratedRegex("""
        ^\ ((?<function>\.Env\.)(?<argument>[A-Z_]+)
          |(?<function>\.Image)
          |(?<function>targetPortOrDefault)\ \d+
          |(?<function>securedParameter)\ "(?<argument>[a-z_]+)"
          |(?<function>parameterWithDefault)\ "(?<argument>[a-z_]+)"\ "(?<default>[^"]+)")\ $
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Known();

    /// <summary>An HTTP probe of the platform.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Port">The port.</param>
    /// <param name="PeriodSeconds">Time between two probes.</param>
    /// <param name="FailureThreshold">Failures in a row after which the platform acts.</param>
    public sealed record Probe(string Path, string Port, int PeriodSeconds, int FailureThreshold);
}
