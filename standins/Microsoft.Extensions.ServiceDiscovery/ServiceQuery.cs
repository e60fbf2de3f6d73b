using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// A service name as a caller writes it: <c>http://api</c>, <c>https+http://api</c> (the first scheme that is
/// configured), <c>http://_admin.api</c> (the endpoint named admin), or just <c>api</c>.
/// </summary>
internal sealed record ServiceQuery(IReadOnlyList<string> Schemes, string? EndpointName, string Service, int? Port)
{
    public static bool TryParse(string input, [NotNullWhen(true)] out ServiceQuery? query)
    {
        query = null;
        var separator = input.IndexOf("://", StringComparison.Ordinal);
        string[] schemes = separator < 0 ? [] : input[..separator].Split('+');
        // Uri knows no "https+http" with a default port; the authority is the same under any scheme.
        if (!Uri.TryCreate($"http://{input[(separator < 0 ? 0 : separator + 3)..]}", UriKind.Absolute, out var uri))
        {
            return false;
        }

        var host = uri.Host;
        int? port = uri.IsDefaultPort ? null : uri.Port;
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        query = host.StartsWith('_') && dot > 1
            ? new ServiceQuery(schemes, host[1..dot], host[(dot + 1)..], port)
            : new ServiceQuery(schemes, null, host, port);
        return true;
    }

    /// <summary>The address to use for a name that nothing is configured for: the name itself.</summary>
    public EndPoint AsWritten() => Schemes.Count > 0
        ? new UriEndPoint(new UriBuilder(Schemes[0], Service, Port ?? -1).Uri)
        : new DnsEndPoint(Service, Port ?? 0);
}
