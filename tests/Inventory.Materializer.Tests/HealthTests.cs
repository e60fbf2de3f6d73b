using System.Net;
using Inventory.Testing;

namespace Inventory.Materializer.Tests;

/// <summary>The health endpoints of the shipped service.</summary>
[Collection(OneServer.Name)]
public sealed class HealthTests(Postgres postgres)
{
    [Fact]
    public async Task The_service_is_healthy_while_its_stores_are_available_and_always_alive()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var service = await world.StartProcessAsync();

        await Eventually.EqualAsync(HttpStatusCode.OK, () => StatusAsync(service, "health"));
        await world.RedisServer.KillAsync();
        await Eventually.EqualAsync(HttpStatusCode.ServiceUnavailable, () => StatusAsync(service, "health"));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service, "alive"));
    }

    private static async Task<HttpStatusCode> StatusAsync(ServiceProcess service, string path)
    {
        using var response = await service.Http.GetAsync(new Uri(path, UriKind.Relative));
        return response.StatusCode;
    }
}
