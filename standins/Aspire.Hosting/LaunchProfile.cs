using System.Text.Json;

namespace Aspire.Hosting;

/// <summary>A profile of a launchSettings.json.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ApplicationUrl">Addresses separated by semicolons, or empty.</param>
/// <param name="EnvironmentVariables">Variables.</param>
internal sealed record LaunchProfile(
    string Name,
    string ApplicationUrl,
    IReadOnlyDictionary<string, string> EnvironmentVariables)
{
    private static readonly JsonDocumentOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Reads a project's profiles of command Project, in the order of the file.</summary>
    /// <param name="projectDirectory">The folder of the project; without a launchSettings.json it has none.</param>
    /// <exception cref="DistributedApplicationException">The file is not valid JSON.</exception>
    public static IReadOnlyList<LaunchProfile> Read(string projectDirectory)
    {
        var file = Path.Combine(projectDirectory, "Properties", "launchSettings.json");
        if (!File.Exists(file))
        {
            return [];
        }

        try
        {
            using var settings = JsonDocument.Parse(File.ReadAllText(file), Lenient);
            return settings.RootElement.TryGetProperty("profiles", out var profiles)
                ? [.. profiles.EnumerateObject().Where(p => Text(p.Value, "commandName") == "Project").Select(Parse)]
                : [];
        }
        catch (JsonException e)
        {
            throw new DistributedApplicationException($"{file} is not valid JSON: {e.Message}", e);
        }
    }

    private static LaunchProfile Parse(JsonProperty profile)
    {
        var variables = new Dictionary<string, string>();
        if (profile.Value.TryGetProperty("environmentVariables", out var values))
        {
            foreach (var variable in values.EnumerateObject())
            {
                variables[variable.Name] = variable.Value.GetString() ?? "";
            }
        }

        return new LaunchProfile(
            profile.Name, Text(profile.Value, "applicationUrl"), variables);
    }

    private static string Text(JsonElement profile, string property) =>
        profile.TryGetProperty(property, out var value) ? value.GetString() ?? "" : "";
}
