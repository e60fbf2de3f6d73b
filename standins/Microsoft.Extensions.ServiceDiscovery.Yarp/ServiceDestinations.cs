using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Microsoft.Extensions.ServiceDiscovery.Yarp;

/// <summary>Turns each configured destination into one destination per replica of the service it names.</summary>
internal sealed class ServiceDestinations(ServiceEndpointResolver resolver) : IDestinationResolver
{
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var resolved = new Dictionary<string, DestinationConfig>(StringComparer.OrdinalIgnoreCase);
        var changes = new List<IChangeToken>(destinations.Count);
        foreach (var (name, configured) in destinations)
        {
            var source = await resolver.GetEndpointsAsync(Authority(configured.Address), cancellationToken);
            changes.Add(source.ChangeToken);
            foreach (var endpoint in source.Endpoints)
            {
                // Named after the address and not after its index: a replica that goes must not hand its health
                // record and its affine sessions on to another.
                resolved[$"{name}[{endpoint}]"] = At(endpoint, configured);
            }
        }

        return new ResolvedDestinationCollection(
            resolved, changes.Count == 0 ? null : new CompositeChangeToken(changes));
    }

    private static DestinationConfig At(ServiceEndpoint endpoint, DestinationConfig configured) => configured with
    {
        // The service goes on being addressed by its name, as it would be behind a load balancer of its own.
        Host = configured.Host is { Length: > 0 } host ? host : AfterScheme(Authority(configured.Address)),
        Address = Move(configured.Address, endpoint),
        // A health address on the service moves along; a separate health port is on the same host as the replica.
        Health = configured.Health is { Length: > 0 } health ? MoveHealth(health, configured.Address, endpoint) : null,
    };

    private static string MoveHealth(string health, string address, ServiceEndpoint endpoint)
    {
        if (string.Equals(Authority(health), Authority(address), StringComparison.OrdinalIgnoreCase))
        {
            return Move(health, endpoint);
        }

        var (name, replica) = (new Uri(health), new Uri(Move(address, endpoint)));
        var sameService = string.Equals(name.Host, new Uri(address).Host, StringComparison.OrdinalIgnoreCase);
        return sameService ? new UriBuilder(name) { Host = replica.Host }.Uri.ToString() : health;
    }

    private static string Move(string address, ServiceEndpoint endpoint)
    {
        var target = endpoint.ToString()!;
        var scheme = address[..address.IndexOf("://", StringComparison.Ordinal)].Split('+', 2)[0];
        var prefix = target.Contains("://", StringComparison.Ordinal) ? target : $"{scheme}://{target}";
        return prefix + address[Authority(address).Length..];
    }

    // By hand, because the rest is what follows this many characters: Uri would drop a default port.
    private static string Authority(string address)
    {
        var path = address.IndexOf('/', address.IndexOf("://", StringComparison.Ordinal) + 3);
        return path < 0 ? address : address[..path];
    }

    private static string AfterScheme(string authority) =>
        authority[(authority.IndexOf("://", StringComparison.Ordinal) + 3)..];
}
