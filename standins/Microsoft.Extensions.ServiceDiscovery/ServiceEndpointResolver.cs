using System.Net;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// Finds the addresses of a service in configuration, <c>services:{name}:{scheme or endpoint name}:{index}</c>.
/// Absent: DNS, watching and caching. Configuration is in memory, and its reload token says when it changed.
/// </summary>
public sealed class ServiceEndpointResolver
{
    private readonly IConfiguration configuration;

    internal ServiceEndpointResolver(IConfiguration configuration) => this.configuration = configuration;

    /// <summary>Resolves a service; a name without configuration resolves to itself.</summary>
    /// <param name="serviceName">A name or URI, for example <c>https+http://reservation-api</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>At least one endpoint.</returns>
    /// <exception cref="ArgumentException">The name is neither a host name nor a URI.</exception>
    /// <exception cref="InvalidOperationException">A configured address is neither a URI nor host:port.</exception>
    public ValueTask<ServiceEndpointSource> GetEndpointsAsync(
        string serviceName, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!ServiceQuery.TryParse(serviceName, out var query))
        {
            throw new ArgumentException($"'{serviceName}' is not the name or URI of a service.", nameof(serviceName));
        }

        // Taken before the values are read: a change in between then fires it, and is not missed.
        var changed = configuration.GetReloadToken();
        var endpoints = Configured(query).ToList();
        if (endpoints.Count == 0)
        {
            endpoints.Add(ServiceEndpoint.Create(query.AsWritten()));
        }

        return ValueTask.FromResult(new ServiceEndpointSource(endpoints, changed));
    }

    private IEnumerable<ServiceEndpoint> Configured(ServiceQuery query)
    {
        var service = configuration.GetSection("services").GetSection(query.Service);
        IEnumerable<string> keys = query.EndpointName is { } name ? [name] : query.Schemes;
        var section = keys.Select(service.GetSection).FirstOrDefault(candidate => candidate.Exists());
        if (section is null)
        {
            return [];
        }

        var values = section.Value is { Length: > 0 } single
            ? [single]
            : section.GetChildren().Select(child => child.Value).OfType<string>().Where(value => value.Length > 0);
        return values.Select(value => ServiceEndpoint.Create(Address(value, section.Path)));
    }

    private static EndPoint Address(string value, string path)
    {
        if (value.Contains("://", StringComparison.Ordinal))
        {
            return Uri.TryCreate(value, UriKind.Absolute, out var uri) ? new UriEndPoint(uri) : throw Malformed();
        }

        // A scheme that is not looked at turns host:port, host and [::1]:port into something Uri can take apart.
        return Uri.TryCreate($"tcp://{value}", UriKind.Absolute, out var authority) && authority.Host.Length > 0
            ? new DnsEndPoint(authority.Host, Math.Max(authority.Port, 0))
            : throw Malformed();

        InvalidOperationException Malformed() => new($"{path} holds '{value}', which is not the address of a service.");
    }
}
