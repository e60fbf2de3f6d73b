using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Tells scripts where everything listens: artifacts/run/resources.json, there while all is up. It holds passwords, so
/// only this account can read it.
/// </summary>
internal sealed class ResourcesFile(
    DataFolders folders, ResourceNotificationService notifications, IConfiguration configuration)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private string? written;

    private string Path => configuration["Standin:ResourcesFile"]
        ?? System.IO.Path.Combine(folders.RepositoryRoot, "artifacts", "run", "resources.json");

    /// <summary>Writes the file when something in it has changed.</summary>
    public async Task WriteAsync(IReadOnlyList<ResourceInstance> instances, CancellationToken cancellationToken)
    {
        List<Entry> entries = [];
        foreach (var resource in instances.Select(i => i.Resource).Where(r => r is not ParameterResource).Distinct())
        {
            var replicas = notifications.ReplicasOf(resource).Select(e => e.Snapshot).ToArray();
            var connectionString = resource is IResourceWithConnectionString server
                ? await server.GetConnectionStringAsync(cancellationToken).ConfigureAwait(false)
                : null;
            entries.Add(new Entry(
                resource.Name,
                replicas.Select(s => s.HealthStatus?.ToString() ?? s.State?.Text ?? "").Max()!,
                [
                    .. replicas.SelectMany(s => s.Properties).Where(p => p.Name == "executable.pid")
                        .Select(p => (int)p.Value!),
                ],
                [.. replicas.SelectMany(s => s.Urls).Select(u => u.Url)],
                connectionString));
        }

        var text = JsonSerializer.Serialize(new { appHostPid = Environment.ProcessId, resources = entries }, Format);
        if (text != written)
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!);
            DataFolders.WriteSecret(Path, text);
            written = text;
        }
    }

    /// <summary>Deletes the file, also the one that a killed AppHost left: nothing listens there any more.</summary>
    public void Remove()
    {
        if (File.Exists(Path))
        {
            File.Delete(Path);
        }
    }

    private sealed record Entry(
        string Name, string State, IReadOnlyList<int> Pids, IReadOnlyList<string> Urls, string? ConnectionString);
}
