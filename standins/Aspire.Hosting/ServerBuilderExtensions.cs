using Aspire.Hosting.Processes;

namespace Aspire.Hosting;

/// <summary>Servers that real Aspire runs in containers.</summary>
public static class ContainerResourceBuilderExtensions
{
    /// <summary>Says how long a container lives. A process always ends with the AppHost.</summary>
    public static IResourceBuilder<T> WithLifetime<T>(this IResourceBuilder<T> builder, ContainerLifetime lifetime)
        where T : ContainerResource => builder;

    /// <summary>Keeps the server's data under a name.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The volume, which is a folder of the data root here.</param>
    /// <param name="target">The path inside a container.</param>
    /// <param name="isReadOnly">Not supported by processes.</param>
    public static IResourceBuilder<T> WithVolume<T>(
        this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource => builder.WithAnnotation(new ContainerMountAnnotation(
            name ?? $"{builder.Resource.Name}-data", target, ContainerMountType.Volume, isReadOnly));
}

/// <summary>Programs of this machine.</summary>
public static class ExecutableResourceBuilderExtensions
{
    /// <summary>Adds a program. It is not restarted when it ends.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="command">The program, looked up on PATH when it is not a path.</param>
    /// <param name="workingDirectory">The folder it starts in, relative to the AppHost's.</param>
    /// <param name="args">Its arguments.</param>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder,
        string name,
        string command,
        string workingDirectory,
        params string[]? args)
    {
        var folder = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, workingDirectory));
        return builder.AddResource(new ExecutableResource(name, command, folder))
            .WithAnnotation(new RunsOnceAnnotation())
            .WithAnnotation(new LaunchAnnotation(ExecutableLaunch.PlanAsync, _ => Programs.Find(command, null)))
            .WithArgs(args ?? []);
    }
}
