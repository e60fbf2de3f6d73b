namespace Aspire.Hosting.ApplicationModel;

/// <summary>What all resources share.</summary>
/// <param name="name">1 to 64 letters, digits and single hyphens, beginning with a letter.</param>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc/>
    public string Name { get; } = ResourceName.Checked(name);

    /// <inheritdoc/>
    public ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>A server. Under real Aspire it runs in a container, here as a process of this machine.</summary>
/// <param name="name">The resource's name.</param>
/// <param name="entrypoint">The container's entry point, which a process has no use for.</param>
public class ContainerResource(string name, string? entrypoint = null) : Resource(name), IResourceWithEnvironment,
    IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IComputeResource
{
    /// <summary>The container's entry point.</summary>
    public string? Entrypoint { get; } = entrypoint;
}

/// <summary>A program of this machine.</summary>
/// <param name="name">The resource's name.</param>
/// <param name="command">The program, looked up on PATH when it is not a path.</param>
/// <param name="workingDirectory">The folder it starts in.</param>
public class ExecutableResource(string name, string command, string workingDirectory) : Resource(name),
    IResourceWithEnvironment, IResourceWithArgs, IResourceWithWaitSupport, IResourceWithServiceDiscovery,
    IComputeResource
{
    /// <summary>The program.</summary>
    public string Command { get; } = command;

    /// <summary>The folder it starts in.</summary>
    public string WorkingDirectory { get; } = workingDirectory;
}

/// <summary>A .NET project of this repository.</summary>
/// <param name="name">The resource's name.</param>
public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs,
    IResourceWithWaitSupport, IResourceWithServiceDiscovery, IComputeResource;

internal static class ResourceName
{
    public static string Checked(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var valid = name.Length <= 64 && char.IsAsciiLetter(name[0]) && !name.EndsWith('-')
            && !name.Contains("--", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
        return valid
            ? name
            : throw new ArgumentException(
                $"Resource name '{name}' is not 1 to 64 letters, digits and single hyphens, beginning with a letter.",
                nameof(name));
    }
}
