using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An address that a resource listens on.</summary>
/// <param name="protocol">Always TCP here.</param>
/// <param name="uriScheme">The scheme of the address, for instance http.</param>
/// <param name="transport">The protocol inside TCP, which nothing here looks at.</param>
/// <param name="name">The name, unique in the resource. The scheme when null.</param>
/// <param name="port">The port, or null for a random one.</param>
/// <param name="targetPort">The port of the process, used when <paramref name="port"/> is null.</param>
/// <param name="isExternal">Whether a deployment shows it to the world.</param>
/// <param name="isProxied">Whether real Aspire puts a proxy in front. There is none here.</param>
public sealed class EndpointAnnotation(
    ProtocolType protocol,
    string? uriScheme = null,
    string? transport = null,
    string? name = null,
    int? port = null,
    int? targetPort = null,
    bool? isExternal = null,
    bool isProxied = true) : IResourceAnnotation
{
    /// <summary>The protocol.</summary>
    public ProtocolType Protocol { get; set; } = protocol;

    /// <summary>The scheme of the address.</summary>
    public string UriScheme { get; set; } = uriScheme ?? "tcp";

    /// <summary>The protocol inside TCP.</summary>
    public string Transport { get; set; } = transport ?? "http";

    /// <summary>The name.</summary>
    public string Name { get; set; } = name ?? uriScheme ?? "tcp";

    /// <summary>The port asked for.</summary>
    public int? Port { get; set; } = port;

    /// <summary>The port of the process asked for.</summary>
    public int? TargetPort { get; set; } = targetPort;

    /// <summary>Whether a deployment shows it to the world.</summary>
    public bool IsExternal { get; set; } = isExternal ?? false;

    /// <summary>Whether real Aspire puts a proxy in front.</summary>
    public bool IsProxied { get; set; } = isProxied;

    /// <summary>The port of every replica, empty before the application starts.</summary>
    internal IReadOnlyList<int> ReplicaPorts { get; set; } = [];
}

/// <summary>How many processes a project runs as.</summary>
/// <param name="replicas">1 or more.</param>
public sealed class ReplicaAnnotation(int replicas = 1) : IResourceAnnotation
{
    /// <summary>The number of processes.</summary>
    public int Replicas { get; } = replicas;
}

/// <summary>Sets environment variables when the process starts.</summary>
/// <param name="callback">Called for each replica.</param>
public class EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) : IResourceAnnotation
{
    /// <summary>Called for each replica.</summary>
    public Func<EnvironmentCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>Adds arguments when the process starts.</summary>
/// <param name="callback">Called for each replica.</param>
public class CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback)
    : IResourceAnnotation
{
    /// <summary>Called for each replica.</summary>
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>Where environment callbacks put their variables.</summary>
/// <param name="executionContext">What the application is run for.</param>
/// <param name="environmentVariables">The variables so far; values are strings or value providers.</param>
/// <param name="cancellationToken">Ends with the application.</param>
public class EnvironmentCallbackContext(
    DistributedApplicationExecutionContext executionContext,
    Dictionary<string, object>? environmentVariables = null,
    CancellationToken cancellationToken = default)
{
    /// <summary>The variables so far; values are strings or value providers.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables ?? [];

    /// <summary>What the application is run for.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>Ends with the application.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Where argument callbacks put their arguments.</summary>
/// <param name="args">The arguments so far; strings or value providers.</param>
/// <param name="cancellationToken">Ends with the application.</param>
public sealed class CommandLineArgsCallbackContext(
    IList<object> args, CancellationToken cancellationToken = default)
{
    /// <summary>The arguments so far; strings or value providers.</summary>
    public IList<object> Args { get; } = args;

    /// <summary>Ends with the application.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Names a health check that the resource must pass.</summary>
/// <param name="key">The name the check is registered under.</param>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    /// <summary>The name the check is registered under.</summary>
    public string Key { get; } = key;
}

/// <summary>A folder that outlives the process. The name of a volume becomes a folder of the data root.</summary>
/// <param name="source">The volume's name, or an absolute path.</param>
/// <param name="target">The path inside a container, which a process has no use for.</param>
/// <param name="type">Volume or path.</param>
/// <param name="isReadOnly">Not supported by processes.</param>
public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly)
    : IResourceAnnotation
{
    /// <summary>The volume's name, or an absolute path.</summary>
    public string? Source { get; set; } = source;

    /// <summary>The path inside a container.</summary>
    public string Target { get; set; } = target;

    /// <summary>Volume or path.</summary>
    public ContainerMountType Type { get; set; } = type;

    /// <summary>Whether a container may not write to it.</summary>
    public bool IsReadOnly { get; set; } = isReadOnly;
}

/// <summary>What a mount's source is.</summary>
public enum ContainerMountType
{
    /// <summary>A path of this machine.</summary>
    BindMount,

    /// <summary>A named volume.</summary>
    Volume,
}

internal sealed record WaitAnnotation(IResource Resource, WaitKind Kind, WaitBehavior? Behavior, int ExitCode)
    : IResourceAnnotation;

/// <summary>The resource was given another's address, so it stops before it.</summary>
internal sealed record ReferenceAnnotation(IResource Resource) : IResourceAnnotation;

/// <summary>A check of one replica; the health check named by its key asks all of them.</summary>
internal sealed record ReplicaProbeAnnotation(
    string Key, Func<int, IServiceProvider, CancellationToken, Task<HealthCheckResult>> Check) : IResourceAnnotation;

internal enum WaitKind
{
    Started,
    Healthy,
    Completed,
}

/// <summary>How long a container lives.</summary>
public enum ContainerLifetime
{
    /// <summary>As long as the AppHost.</summary>
    Session,

    /// <summary>Longer than the AppHost, which only containers can.</summary>
    Persistent,
}
