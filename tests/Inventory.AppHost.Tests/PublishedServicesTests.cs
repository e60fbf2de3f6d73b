using Inventory.Testing;

namespace Inventory.AppHost.Tests;

/// <summary>A published service starts with the environment of the manifest, or refuses to.</summary>
public sealed class PublishedServicesTests
{
    // Nothing listens at these addresses: services start during an outage of their stores.
    private static readonly Dictionary<string, string> Parameters = new()
    {
        ["redis"] = "127.0.0.1:1,abortConnect=false",
        ["ledger"] = "Host=127.0.0.1;Port=1;Username=inventory;Database=ledger",
        ["admin_key_hash"] = new('a', 64),
        ["backend_key_hash"] = new('b', 64),
        ["webhook_secret"] = "whsec_/+6Z0XfHkS1v1cJ3eVbq2mQ4n8T5u7W9",
    };

    [Theory]
    //          service            project                     without       message
    [InlineData("gateway", "Inventory.Gateway", "ApiKeys__", "ApiKeys is empty, and Production has no")]
    [InlineData("reservation-api", "Inventory.ReservationApi", "ApiKeys__", "ApiKeys is empty, and Production has no")]
    [InlineData("reservation-api", "Inventory.ReservationApi", "Payments__", "Payments:WebhookSecrets must have 1 to")]
    public async Task Without_real_keys_a_published_service_refuses_to_start(
        string service, string project, string without, string message)
    {
        var environment = (await EnvironmentOfAsync(service))
            .Where(each => !each.Key.StartsWith(without, StringComparison.Ordinal));
        var run = await Command.RunAsync(project, [], environment);

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains(message, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway", "Inventory.Gateway")]
    [InlineData("reservation-api", "Inventory.ReservationApi")]
    public async Task With_every_parameter_a_published_service_starts(string service, string project)
    {
        var environment = await EnvironmentOfAsync(service);
        (string, string)[] settings =
            [("ASPNETCORE_ENVIRONMENT", "Production"), .. environment.Select(each => (each.Key, each.Value))];
        await using var process = await ServiceProcess.StartAsync(project, settings);
        using var alive = await process.Http.GetAsync(new Uri("/alive", UriKind.Relative));

        Assert.True(alive.IsSuccessStatusCode, process.ToString());
    }

    /// <summary>The manifest's environment without the port: the services listen on any free one.</summary>
    private static async Task<IEnumerable<KeyValuePair<string, string>>> EnvironmentOfAsync(string service)
    {
        var manifest = await Manifest.WithStoresAsync(Manifest.Managed);
        var resolver = new Expressions(manifest, parameter => Parameters[parameter], domain: "shop.example");
        return manifest.EnvironmentOf(service)
            .Where(each => each.Key != "HTTP_PORTS")
            .Select(each => new KeyValuePair<string, string>(each.Key, resolver.Resolve(each.Value)))
            .Append(new("ASPNETCORE_URLS", "http://127.0.0.1:0"));
    }
}
