using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using IPNetwork = System.Net.IPNetwork;

namespace Inventory.Gateway;

/// <summary>The proxies in front of the gateway. The gateway trusts their <c>X-Forwarded-</c> headers.</summary>
public sealed class TrustedProxyOptions
{
    /// <summary>
    /// The section is shared with the gateway's other settings, so unknown keys are no error here.
    /// </summary>
    public const string Section = "Gateway";

    /// <summary>Addresses (<c>10.0.0.7</c>) or networks (<c>10.0.0.0/8</c>). Empty: no proxy is trusted.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];

    /// <summary>The entries as networks.</summary>
    internal IEnumerable<IPNetwork> Networks
    {
        get
        {
            foreach (var text in TrustedProxies)
            {
                if (TryParse(text, out var network)) yield return network;
            }
        }
    }

    internal static bool TryParse(string text, out IPNetwork network)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
            return true;
        }

        return IPNetwork.TryParse(text, out network);
    }
}

/// <summary>Decides which proxies may state the client's address, scheme and host.</summary>
public static class TrustedProxies
{
    /// <summary>
    /// Reads <see cref="TrustedProxyOptions"/> and refuses to start when an entry is neither an address nor a network.
    /// </summary>
    public static void AddTrustedProxies(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<TrustedProxyOptions>()
            .BindConfiguration(TrustedProxyOptions.Section)
            .Validate(
                options => options.TrustedProxies.All(text => TrustedProxyOptions.TryParse(text, out _)),
                "Gateway:TrustedProxies takes addresses (10.0.0.7) and networks (10.0.0.0/8).")
            .ValidateOnStart();

        // Applied last: hosting platforms set ASPNETCORE_FORWARDEDHEADERS_ENABLED, which would trust any sender.
        builder.Services.AddOptions<ForwardedHeadersOptions>()
            .PostConfigure<IOptions<TrustedProxyOptions>>((forwarded, trusted) => Apply(forwarded, trusted.Value));
    }

    private static void Apply(ForwardedHeadersOptions forwarded, TrustedProxyOptions trusted)
    {
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in trusted.Networks) forwarded.KnownIPNetworks.Add(network);

        // With two empty lists the middleware trusts every sender, hence None. Hops need no limit: the middleware stops
        // at the first address that is not trusted, which is the client.
        forwarded.ForwardLimit = null;
        forwarded.ForwardedHeaders = forwarded.KnownIPNetworks.Count == 0
            ? ForwardedHeaders.None
            : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
    }
}
