namespace Inventory.AppHost;

/// <summary>Whether this machine can run containers.</summary>
internal static class ContainerEngine
{
    private static readonly string[] Sockets =
    [
        "/var/run/docker.sock",
        "/run/podman/podman.sock",
        $"/run/user/{Environment.GetEnvironmentVariable("UID")}/podman/podman.sock",
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker/run/docker.sock"),
    ];

    /// <summary>
    /// Whether an engine is to be used: Aspire was told of one, or an engine's socket is there. Elsewhere than on Linux
    /// it always is, because only there the servers can run as processes.
    /// </summary>
    public static bool IsPresent() =>
        !OperatingSystem.IsLinux()
        || Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME") is { Length: > 0 }
        || Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 }
        || Sockets.Any(File.Exists);
}
