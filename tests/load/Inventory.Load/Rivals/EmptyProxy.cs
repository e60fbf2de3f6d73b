using System.Net;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Inventory.Load.Rivals;

/// <summary>YARP alone in front of a server: the minimal cost of a gateway based on it.</summary>
internal static class EmptyProxy
{
    /// <summary>Serves until standard input ends.</summary>
    /// <param name="port">A port of the loopback interface.</param>
    /// <param name="server">The address that all requests are forwarded to.</param>
    public static async Task RunAsync(int port, string server)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "server", Match = new() { Path = "/{**rest}" } }],
            [
                new ClusterConfig
                {
                    ClusterId = "server",
                    // Plain HTTP/1.1, as in the gateway.
                    HttpRequest = new ForwarderRequestConfig
                    {
                        Version = HttpVersion.Version11,
                        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                    },
                    Destinations = new Dictionary<string, DestinationConfig>
                    {
                        ["server"] = new() { Address = server },
                    },
                },
            ]);

        var app = builder.Build();
        app.MapReverseProxy();
        await app.StartAsync();
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
    }
}
