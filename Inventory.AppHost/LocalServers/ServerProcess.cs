namespace Inventory.AppHost.LocalServers;

/// <summary>
/// A server of the system's own packages that runs as a process of this machine, where no container engine exists.
/// Its script runs in the data folder and becomes the server (exec), so that the resource's process is the server's.
/// </summary>
/// <param name="name">The resource's name.</param>
/// <param name="script">The script, by its full path.</param>
/// <param name="folder">The data folder, by its full path.</param>
internal abstract class ServerProcess(string name, string script, string folder)
    : ExecutableResource(name, script, folder), IResourceWithConnectionString
{
    /// <summary>The name of the endpoint that every server has.</summary>
    public const string EndpointName = "tcp";

    /// <summary>Where the server listens, on loopback only.</summary>
    public EndpointReference Endpoint => field ??= new(this, EndpointName);

    /// <inheritdoc/>
    public abstract ReferenceExpression ConnectionStringExpression { get; }
}
