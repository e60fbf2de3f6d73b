using System.Diagnostics;

namespace Inventory.AppHost;

/// <summary>The container engine of this machine, if there is one.</summary>
internal static class ContainerEngine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    private static readonly string[] Sockets =
    [
        "/var/run/docker.sock",
        "/run/podman/podman.sock",
        Path.Combine(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? "/run", "podman/podman.sock"),
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker/run/docker.sock"),
    ];

    /// <summary>
    /// Whether to use an engine: Aspire's settings name one, or an engine's socket exists. Always true on systems other
    /// than Linux, because the servers can run as processes only on Linux.
    /// </summary>
    public static bool IsPresent() =>
        !OperatingSystem.IsLinux()
        || Chosen is not null
        || Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 }
        || Sockets.Any(File.Exists);

    /// <summary>
    /// Waits until no container uses the volumes of an application's containers, and deletes them for a fresh run. All
    /// runs of a checkout have the same volumes, and two servers on one volume would destroy its data. The containers
    /// of a killed run end some seconds after it.
    /// </summary>
    public static async Task ClaimVolumesOfAsync(DistributedApplicationModel model, bool fresh)
    {
        var volumes = model.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerMountAnnotation>())
            .Where(mount => mount.Type == ContainerMountType.Volume)
            .Select(mount => mount.Source)
            .OfType<string>()
            .ToArray();
        for (var waited = Stopwatch.StartNew(); await InUseAsync(volumes) is { } used;)
        {
            if (waited.Elapsed > Patience)
            {
                RunSettings.Refuse($"another run of this checkout uses the volume {used}; stop it first.");
            }

            await Task.Delay(Glance);
        }

        if (!fresh) return;
        var existing = (await RunAsync("volume", "ls", "--quiet")).Split('\n', StringSplitOptions.TrimEntries);
        foreach (var volume in volumes.Intersect(existing)) await RunAsync("volume", "rm", volume);
    }

    private static async Task<string?> InUseAsync(string[] volumes)
    {
        foreach (var volume in volumes)
        {
            if ((await RunAsync("ps", "--quiet", "--filter", $"volume={volume}")).Trim().Length > 0) return volume;
        }

        return null;
    }

    private static string? Chosen =>
        Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME") is { Length: > 0 } chosen ? chosen : null;

    /// <summary>The engine's command line: docker or podman.</summary>
    public static string Program =>
        Chosen ?? (Sockets.FirstOrDefault(File.Exists)?.Contains("podman", StringComparison.Ordinal) == true
            ? "podman" : "docker");

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var engine = Process.Start(start)!;
        var error = engine.StandardError.ReadToEndAsync();
        var output = await engine.StandardOutput.ReadToEndAsync();
        await engine.WaitForExitAsync();
        var failure = (await error).Trim();
        if (engine.ExitCode != 0) RunSettings.Refuse($"`{Program} {string.Join(' ', arguments)}` failed: {failure}");
        return output;
    }
}
