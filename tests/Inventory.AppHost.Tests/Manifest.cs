using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Inventory.AppHost.Tests;

/// <summary>The manifest, written by the AppHost as azd runs it.</summary>
internal sealed class Manifest
{
    /// <summary>The deployment provides Redis and PostgreSQL: the default.</summary>
    public const string Managed = "managed";

    /// <summary>Redis and PostgreSQL are published as containers.</summary>
    public const string Containers = "containers";

    // Quotes and ampersands stay unescaped, as in the file.
    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly ConcurrentDictionary<string, Lazy<Task<Manifest>>> Published = [];

    private readonly JsonObject root;

    private Manifest(JsonObject root) => this.root = root;

    /// <summary>The root of the checkout.</summary>
    public static string RepoRoot { get; } = typeof(Manifest).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepoRoot").Value!;

    /// <summary>The manifest with one kind of stores; the AppHost writes it once for all tests.</summary>
    public static Task<Manifest> WithStoresAsync(string stores) =>
        Published.GetOrAdd(stores, kind => new(() => PublishAsync(kind))).Value;

    /// <summary>Writes a manifest, or returns the AppHost's refusal.</summary>
    public static Task<Command> WriteAsync(string file, string stores) => Command.RunAsync(
        "Inventory.AppHost",
        ["--publisher", "manifest", "--output-path", file],
        // azd uses `dotnet run`, and the AppHost's launch settings make that a run in Development.
        [new("DOTNET_ENVIRONMENT", "Development"), new("Publish__Stores", stores)]);

    /// <summary>All resources by their names.</summary>
    public IEnumerable<(string Name, JsonObject Resource)> Resources =>
        root["resources"]!.AsObject().Select(each => (each.Key, each.Value!.AsObject()));

    /// <summary>One resource; null when the manifest has none of that name.</summary>
    public JsonObject? Find(string name) => root["resources"]![name]?.AsObject();

    /// <summary>The environment variables of one service, with the manifest's expressions in them.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentOf(string service) =>
        Find(service)!["env"]!.AsObject().ToDictionary(each => each.Key, each => each.Value!.GetValue<string>());

    /// <inheritdoc/>
    public override string ToString() => root.ToJsonString(Indented) + "\n";

    private static async Task<Manifest> PublishAsync(string stores)
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"manifest.{stores}.json");
        var run = await WriteAsync(file, stores);
        if (run.ExitCode != 0) throw new InvalidOperationException($"The AppHost published nothing:\n{run.Output}");

        var manifest = new Manifest(JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject());
        foreach (var (_, resource) in manifest.Resources)
        {
            // Paths are relative to the file, and its place differs between checkouts.
            if (resource["path"] is not { } path) continue;
            var project = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, path.GetValue<string>()));
            resource["path"] = Path.GetRelativePath(RepoRoot, project).Replace('\\', '/');
        }

        return manifest;
    }
}
