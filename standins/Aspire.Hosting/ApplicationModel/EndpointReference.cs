using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An endpoint of a resource, whose port is known once the application starts.</summary>
public sealed class EndpointReference : IExpressionValue
{
    /// <summary>Refers to an endpoint, which may be added later.</summary>
    /// <param name="owner">The resource that listens.</param>
    /// <param name="endpointName">The endpoint's name, for instance http.</param>
    public EndpointReference(IResourceWithEndpoints owner, string endpointName) =>
        (Resource, EndpointName) = (owner, endpointName);

    /// <summary>The resource that listens.</summary>
    public IResourceWithEndpoints Resource { get; }

    /// <summary>The endpoint's name.</summary>
    public string EndpointName { get; }

    /// <summary>Whether the resource has an endpoint of this name.</summary>
    public bool Exists => Find() is not null;

    /// <summary>Whether the port is known.</summary>
    public bool IsAllocated => Find()?.ReplicaPorts.Count > 0;

    /// <summary>Whether the scheme is http.</summary>
    public bool IsHttp => Scheme == "http";

    /// <summary>Whether the scheme is https.</summary>
    public bool IsHttps => Scheme == "https";

    /// <summary>The scheme of the address.</summary>
    public string Scheme => Annotation.UriScheme;

    /// <summary>The host. Everything here listens on loopback.</summary>
    public string Host { get; } = "localhost";

    /// <summary>The port of the first replica.</summary>
    /// <exception cref="InvalidOperationException">The application has not started.</exception>
    public int Port => IsAllocated
        ? Annotation.ReplicaPorts[0]
        : throw new InvalidOperationException(
            $"Endpoint '{EndpointName}' of '{Resource.Name}' has no port before the application starts.");

    /// <summary>The port the process listens on, which is the same: there is no proxy.</summary>
    public int? TargetPort => IsAllocated ? Port : Annotation.TargetPort;

    /// <summary>The address of the first replica.</summary>
    /// <exception cref="InvalidOperationException">The application has not started.</exception>
    public string Url => UrlOf(Port);

    /// <inheritdoc/>
    public string ValueExpression => $"{{{Resource.Name}.bindings.{EndpointName}.url}}";

    internal EndpointAnnotation Annotation => Find() ?? throw new InvalidOperationException(
        $"Resource '{Resource.Name}' has no endpoint '{EndpointName}'.");

    /// <summary>Refers to a part of the address.</summary>
    /// <param name="property">The part.</param>
    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);

    internal string UrlOf(int port) => string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{Host}:{port}");

    private EndpointAnnotation? Find() => Resource.Annotations.OfType<EndpointAnnotation>()
        .FirstOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A part of an endpoint's address.</summary>
/// <param name="endpointReference">The endpoint.</param>
/// <param name="property">The part.</param>
public class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property)
    : IExpressionValue
{
    /// <summary>The endpoint.</summary>
    public EndpointReference Endpoint { get; } = endpointReference;

    /// <summary>The part.</summary>
    public EndpointProperty Property { get; } = property;

    /// <inheritdoc/>
    public string ValueExpression =>
        $"{{{Endpoint.Resource.Name}.bindings.{Endpoint.EndpointName}.{Property.ToString().ToLowerInvariant()}}}";

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Property switch
    {
        EndpointProperty.Url => Endpoint.Url,
        EndpointProperty.Host => Endpoint.Host,
        EndpointProperty.IPV4Host => "127.0.0.1",
        EndpointProperty.Port or EndpointProperty.TargetPort => Endpoint.Port.ToString(CultureInfo.InvariantCulture),
        EndpointProperty.Scheme => Endpoint.Scheme,
        EndpointProperty.HostAndPort =>
            string.Create(CultureInfo.InvariantCulture, $"{Endpoint.Host}:{Endpoint.Port}"),
        _ => throw new InvalidOperationException($"An endpoint has no property {Property}."),
    });
}

/// <summary>The parts of an endpoint's address.</summary>
public enum EndpointProperty
{
    /// <summary>scheme://host:port</summary>
    Url,

    /// <summary>The host name.</summary>
    Host,

    /// <summary>The host as an IPv4 address.</summary>
    IPV4Host,

    /// <summary>The port.</summary>
    Port,

    /// <summary>The scheme.</summary>
    Scheme,

    /// <summary>The port the process listens on.</summary>
    TargetPort,

    /// <summary>host:port</summary>
    HostAndPort,
}
