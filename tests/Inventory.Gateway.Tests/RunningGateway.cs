using System.Net;
using Inventory.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Tests;

/// <summary>The real gateway on its own Kestrel port, in front of the given replicas.</summary>
public sealed class RunningGateway : IAsyncDisposable
{
    // Shared by tests that don't break Redis. It ends with the process.
    private static readonly Lazy<Task<RedisServer>> Redis = new(() => RedisServer.StartAsync());

    private readonly WebApplicationFactory<Program> factory;

    private RunningGateway(WebApplicationFactory<Program> factory, LogSink log)
    {
        this.factory = factory;
        Log = log;
        var server = factory.Services.GetRequiredService<IServer>();
        Address = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = Address,
            Timeout = TimeSpan.FromSeconds(20),
        };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    /// <summary>All endpoints of the gateway.</summary>
    public IReadOnlyList<Endpoint> Endpoints =>
        this.factory.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <summary>The limits of the gateway's server.</summary>
    public KestrelServerLimits ServerLimits =>
        this.factory.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;

    /// <summary>The gateway's log.</summary>
    public LogSink Log { get; }

    /// <summary>Starts the gateway.</summary>
    /// <param name="addresses">Where service discovery finds the replicas.</param>
    /// <param name="settings">Configuration keys and values that differ from the defaults.</param>
    public static Task<RunningGateway> StartAsync(
        IEnumerable<string> addresses, params (string Key, string Value)[] settings) =>
        StartAsync(addresses, TimeProvider.System, settings);

    /// <summary>Starts the gateway with a clock that a test can set.</summary>
    /// <param name="addresses">Where service discovery finds the replicas.</param>
    /// <param name="time">The gateway's clock.</param>
    /// <param name="settings">Configuration keys and values that differ from the defaults.</param>
    public static async Task<RunningGateway> StartAsync(
        IEnumerable<string> addresses, TimeProvider time, params (string Key, string Value)[] settings)
    {
        var log = new LogSink();
        var redis = (await Redis.Value).ConnectionString;
        var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            foreach (var (address, index) in addresses.Select((address, index) => (address, index)))
            {
                host.UseSetting($"services:reservation-api:http:{index}", address);
            }

            host.UseSetting("ConnectionStrings:redis", redis);
            foreach (var (key, value) in settings) host.UseSetting(key, value);
            host.ConfigureServices(services => services.AddSingleton(time));
            host.ConfigureLogging(logging => logging.ClearProviders().AddProvider(log));
        });
        factory.UseKestrel(server => server.Listen(IPAddress.Loopback, 0));
        factory.StartServer();
        return new RunningGateway(factory, log);
    }

    public static Task<RunningGateway> StartAsync(
        Replica one, Replica other, params (string Key, string Value)[] settings) =>
        StartAsync([one.Address, other.Address], settings);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await this.factory.DisposeAsync();
    }
}
