using System.Net;
using System.Net.Sockets;

namespace Inventory.Materializer.Tests;

/// <summary>The health endpoints of the shipped service.</summary>
[Collection(OneServer.Name)]
public sealed class HealthTests(Postgres postgres)
{
    [Fact]
    public async Task The_service_is_healthy_while_its_stores_are_available_and_always_alive()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        world.StartProcess(("ASPNETCORE_URLS", address.OriginalString));
        using var client = new HttpClient { BaseAddress = address };

        await World.UntilAsync(async () => await StatusAsync(client, "health") == HttpStatusCode.OK);
        await world.RedisServer.KillAsync();
        await World.UntilAsync(async () => await StatusAsync(client, "health") == HttpStatusCode.ServiceUnavailable);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "alive"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient client, string path)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            // The service isn't listening yet.
            return null;
        }
    }
}
