using Microsoft.Extensions.Primitives;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Where a service is, until the change token fires.</summary>
public sealed class ServiceEndpointSource
{
    internal ServiceEndpointSource(IReadOnlyList<ServiceEndpoint> endpoints, IChangeToken changeToken)
    {
        Endpoints = endpoints;
        ChangeToken = changeToken;
    }

    /// <summary>One entry per replica, in the order of the configuration. Never empty.</summary>
    public IReadOnlyList<ServiceEndpoint> Endpoints { get; }

    /// <summary>Fires when the addresses may have changed.</summary>
    public IChangeToken ChangeToken { get; }
}
