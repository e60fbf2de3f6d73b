using System.Net;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Sends each request to the next replica of the service its URI names, in turn.</summary>
internal sealed class ResolvingHandler(ServiceEndpointResolver resolver) : DelegatingHandler
{
    // One count for all services: only the order within one service matters, and any start will do.
    private uint turn;

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } original)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        var source = await resolver.GetEndpointsAsync(original.GetLeftPart(UriPartial.Authority), cancellationToken);
        var next = Interlocked.Increment(ref turn) % (uint)source.Endpoints.Count;
        request.RequestUri = Rewrite(original, source.Endpoints[(int)next].EndPoint);
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            // A retry must resolve the name again, and may get another replica.
            request.RequestUri = original;
        }
    }

    private static Uri Rewrite(Uri original, EndPoint endPoint)
    {
        var (scheme, host, port) = endPoint switch
        {
            UriEndPoint { Uri: var uri } => (uri.Scheme, uri.Host, uri.IsDefaultPort ? -1 : uri.Port),
            DnsEndPoint dns => (FirstScheme(original), dns.Host, dns.Port > 0 ? dns.Port : -1),
            IPEndPoint ip => (FirstScheme(original), ip.Address.ToString(), ip.Port),
            _ => throw new NotSupportedException($"{endPoint.GetType()} is not an address HTTP can use."),
        };
        return new UriBuilder(original) { Scheme = scheme, Host = host, Port = port }.Uri;
    }

    private static string FirstScheme(Uri uri) => uri.Scheme.Split('+', 2)[0];
}
