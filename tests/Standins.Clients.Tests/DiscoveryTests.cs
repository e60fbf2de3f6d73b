using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Standins.Clients.Tests;

public sealed class DiscoveryTests
{
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["services:reservation-api:http:0"] = "http://localhost:5001",
        ["services:reservation-api:http:1"] = "http://localhost:5002",
        ["services:reservation-api:https:0"] = "https://localhost:6001",
        ["services:reservation-api:admin:0"] = "http://localhost:7001",
        ["services:plain:http:0"] = "http://localhost:8001",
        ["services:single:http"] = "localhost:9001",
    };

    [Theory]
    //          asked for                        addresses
    [InlineData("http://reservation-api", "http://localhost:5001, http://localhost:5002")]
    [InlineData("http://Reservation-API", "http://localhost:5001, http://localhost:5002")]
    [InlineData("https://reservation-api", "https://localhost:6001")]
    [InlineData("https+http://reservation-api", "https://localhost:6001")]
    [InlineData("http+https://reservation-api", "http://localhost:5001, http://localhost:5002")]
    [InlineData("http://_admin.reservation-api", "http://localhost:7001")]
    [InlineData("https+http://plain", "http://localhost:8001")]
    [InlineData("http://single", "localhost:9001")]
    [InlineData("http://example.test:81", "http://example.test:81")]
    [InlineData("https+http://example.test", "https://example.test")]
    [InlineData("https://plain", "https://plain")]
    public async Task A_name_resolves_to_what_is_configured_or_to_itself(string asked, string expected)
    {
        using var services = Build(_ => { });
        var resolver = services.GetRequiredService<ServiceEndpointResolver>();

        var source = await resolver.GetEndpointsAsync(asked, CancellationToken.None);

        Assert.Equal(expected, string.Join(", ", source.Endpoints.Select(e => e.ToString()!.TrimEnd('/'))));
    }

    [Fact]
    public async Task A_request_goes_to_each_replica_in_turn_and_keeps_its_path()
    {
        using var services = Build(collection => collection
            .AddHttpClient("api", client => client.BaseAddress = new Uri("https+http://plain"))
            .AddServiceDiscovery()
            .ConfigurePrimaryHttpMessageHandler(() => new Echo()));
        using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("api");

        var replicas = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            replicas.Add(await client.GetStringAsync("http://reservation-api/a?b=c"));
        }

        Assert.Equal(2, replicas.Count(uri => uri == "http://localhost:5001/a?b=c"));
        Assert.Equal(2, replicas.Count(uri => uri == "http://localhost:5002/a?b=c"));
        Assert.Equal("http://localhost:8001/x", await client.GetStringAsync("/x"));
        Assert.Equal("http://example.test/x", await client.GetStringAsync("http://example.test/x"));
    }

    [Theory]
    //          address                          health                         replica 1                    its health
    [InlineData("http://reservation-api", null, "http://localhost:5001", null)]
    [InlineData("http://reservation-api/v1/", null, "http://localhost:5001/v1/", null)]
    [InlineData("http://reservation-api", "http://reservation-api/alive", "http://localhost:5001",
        "http://localhost:5001/alive")]
    [InlineData("http://reservation-api", "http://reservation-api:90/", "http://localhost:5001",
        "http://localhost:90/")]
    [InlineData("http://reservation-api", "http://watcher/", "http://localhost:5001", "http://watcher/")]
    public async Task Each_replica_becomes_a_destination(
        string address, string? health, string first, string? firstHealth)
    {
        using var services = Build(collection => collection.AddReverseProxy().AddServiceDiscoveryDestinationResolver());
        var configured = new Dictionary<string, DestinationConfig>
        {
            ["api"] = new() { Address = address, Health = health },
            ["other"] = new() { Address = "http://elsewhere:82/", Host = "named" },
        };

        var resolved = (await services.GetRequiredService<IDestinationResolver>()
            .ResolveDestinationsAsync(configured, CancellationToken.None)).Destinations;

        Assert.Equal(3, resolved.Count);
        var replicas = resolved
            .Where(d => d.Key.StartsWith("api", StringComparison.Ordinal)).Select(d => d.Value).ToList();
        Assert.Equal(first, replicas[0].Address.TrimEnd('/') + (first.EndsWith('/') ? "/" : ""));
        Assert.Contains(":5002", replicas[1].Address, StringComparison.Ordinal);
        Assert.Equal(firstHealth, replicas[0].Health);
        Assert.All(replicas, replica => Assert.Equal("reservation-api", replica.Host));
        var other = Assert.Single(resolved.Values.Except(replicas));
        Assert.Equal(("http://elsewhere:82/", "named"), (other.Address, other.Host));
    }

    [Fact]
    public async Task A_reload_of_the_configuration_fires_the_change_token_and_the_new_replica_is_found()
    {
        using var services = Build(collection => collection.AddReverseProxy().AddServiceDiscoveryDestinationResolver());
        var resolver = services.GetRequiredService<IDestinationResolver>();
        var configured = new Dictionary<string, DestinationConfig> { ["api"] = new() { Address = "http://plain" } };
        var before = await resolver.ResolveDestinationsAsync(configured, CancellationToken.None);
        Assert.False(before.ChangeToken!.HasChanged);

        var configuration = (IConfigurationRoot)services.GetRequiredService<IConfiguration>();
        configuration["services:plain:http:1"] = "http://localhost:8002";
        configuration.Reload();

        Assert.True(before.ChangeToken.HasChanged);
        var after = await resolver.ResolveDestinationsAsync(configured, CancellationToken.None);
        Assert.Equal(2, after.Destinations.Count);
        // What stays keeps its name, and with it its health record.
        Assert.Contains(before.Destinations.Keys.Single(), after.Destinations.Keys);
    }

    private static ServiceProvider Build(Action<IServiceCollection> add)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(Settings).Build());
        services.AddServiceDiscovery();
        add(services);
        return services.BuildServiceProvider();
    }

    /// <summary>Answers with the URI that would have gone over the wire.</summary>
    private sealed class Echo : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken token) =>
            Task.FromResult(new HttpResponseMessage { Content = new StringContent(request.RequestUri!.AbsoluteUri) });
    }
}
