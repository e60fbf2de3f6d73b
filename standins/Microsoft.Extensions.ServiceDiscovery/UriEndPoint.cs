using System.Net;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>An address that knows its scheme.</summary>
internal sealed class UriEndPoint(Uri uri) : EndPoint
{
    public Uri Uri => uri;

    public override string ToString() => uri.GetLeftPart(UriPartial.Authority);
}
