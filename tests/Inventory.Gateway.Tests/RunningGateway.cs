using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Inventory.Gateway.Tests;

/// <summary>The real gateway on a Kestrel port of its own, in front of the given replicas.</summary>
public sealed class RunningGateway : IAsyncDisposable
{
    private readonly WebApplicationFactory<Program> _factory;

    private RunningGateway(WebApplicationFactory<Program> factory, LoggedLines log)
    {
        _factory = factory;
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

    /// <summary>What the gateway itself logged.</summary>
    public LoggedLines Log { get; }

    /// <summary>Starts the gateway.</summary>
    /// <param name="addresses">Where service discovery finds the replicas.</param>
    /// <param name="settings">Configuration keys and values that differ from the defaults.</param>
    public static RunningGateway Start(IEnumerable<string> addresses, params (string Key, string Value)[] settings)
    {
        var log = new LoggedLines();
        var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            foreach (var (address, index) in addresses.Select((address, index) => (address, index)))
            {
                host.UseSetting($"services:reservation-api:http:{index}", address);
            }

            foreach (var (key, value) in settings) host.UseSetting(key, value);
            host.ConfigureLogging(logging => logging.ClearProviders().AddProvider(log));
        });
        factory.UseKestrel(server => server.Listen(IPAddress.Loopback, 0));
        factory.StartServer();
        return new RunningGateway(factory, log);
    }

    public static RunningGateway Start(Replica one, Replica other, params (string Key, string Value)[] settings) =>
        Start([one.Address, other.Address], settings);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
    }
}
