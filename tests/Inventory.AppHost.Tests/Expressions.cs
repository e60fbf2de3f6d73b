using System.Text.RegularExpressions;

namespace Inventory.AppHost.Tests;

/// <summary>The values that azd puts in place of a manifest's expressions.</summary>
/// <param name="manifest">The manifest that has the expressions.</param>
/// <param name="parameter">The value of a parameter without a default. azd writes names with underscores.</param>
/// <param name="domain">The domain of the environment.</param>
internal sealed partial class Expressions(Manifest manifest, Func<string, string> parameter, string domain)
{
    /// <summary>The port that .NET container images listen on.</summary>
    public const string ContainerPort = "8080";

    /// <summary>A value with all its references resolved.</summary>
    public string Resolve(string value) => Reference().Replace(value, match =>
    {
        var (name, property) = (match.Groups["name"].Value, match.Groups["property"].Value);
        var resource = manifest.Find(name)
            ?? throw new InvalidOperationException($"{value}: no resource is named {name}.");
        return property switch
        {
            "connectionString" => Resolve(resource["connectionString"]!.GetValue<string>()),
            "value" => resource["inputs"]!["value"]!["default"]?["value"]?.GetValue<string>()
                ?? parameter(name.Replace('-', '_')),
            "bindings.http.targetPort" => ContainerPort,
            "bindings.http.url" => $"http://{name}.internal.{domain}",
            "bindings.https.url" => $"https://{name}.internal.{domain}",
            _ => throw new InvalidOperationException($"{value}: these tests don't know the value that azd uses."),
        };
    });

    [GeneratedRegex(@"\{(?<name>[a-z-]+)\.(?<property>[a-zA-Z.]+)\}")]
    private static partial Regex Reference();
}
