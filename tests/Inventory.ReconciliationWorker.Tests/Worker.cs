using System.Diagnostics.Metrics;
using System.Net;
using Inventory.Ledger;
using Inventory.ReconciliationWorker.Audit;
using Inventory.ReconciliationWorker.Rebuild;
using Inventory.ReconciliationWorker.Retention;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>The real worker on its own Kestrel port.</summary>
public sealed class Worker : IAsyncDisposable
{
    private readonly WebApplicationFactory<Program> factory;
    private readonly Measurements measurements;

    private Worker(WebApplicationFactory<Program> factory, LogSink log)
    {
        this.factory = factory;
        Log = log;
        measurements = new(factory.Services.GetRequiredService<IMeterFactory>(), "Inventory.Reconciliation");
        Http = factory.CreateClient();
    }

    public LogSink Log { get; }

    public HttpClient Http { get; }

    public StockStores Engine => factory.Services.GetRequiredService<StockStores>();

    public IConnectionMultiplexer Redis =>
        factory.Services.GetRequiredService<IConnectionMultiplexer>();

    public ExpiryHeartbeat Heartbeat => factory.Services.GetRequiredService<ExpiryHeartbeat>();

    public OnlineHoldCounter Large => factory.Services.GetRequiredService<OnlineHoldCounter>();

    public StockRepair Repair => factory.Services.GetRequiredService<StockRepair>();

    public PinResolver Resolver => factory.Services.GetRequiredService<PinResolver>();

    public Pruner Pruner => factory.Services.GetRequiredService<Pruner>();

    public Payments Payments => factory.Services.GetRequiredService<Payments>();

    public Confirmations Confirmations => factory.Services.GetRequiredService<Confirmations>();

    /// <summary>Whether this instance is the one that captures.</summary>
    public bool Captures => Measured("inventory.capture.active") is [.., > 0];

    /// <summary>Starts a worker that sweeps too rarely to affect a test.</summary>
    public static Worker Start(Stores stores, params (string Key, string Value)[] settings)
    {
        var log = new LogSink();
        var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            host.UseEnvironment("Production");
            host.UseSetting("ConnectionStrings:redis", stores.Redis.AdminConnectionString);
            host.UseSetting("ConnectionStrings:ledger", stores.Postgres.ConnectionString);
            host.UseSetting("Reconciliation:SweepInterval", "1.00:00:00");
            foreach (var (key, value) in settings) host.UseSetting(key, value);
            host.ConfigureLogging(logging => logging.AddProvider(log));
        });
        factory.UseKestrel(server => server.Listen(IPAddress.Loopback, 0));
        factory.StartServer();
        return new(factory, log);
    }

    /// <summary>Starts a worker and waits until it captures.</summary>
    public static async Task<Worker> StartCapturingAsync(Stores stores, params (string Key, string Value)[] settings)
    {
        var worker = Start(stores, settings);
        await Eventually.TrueAsync(() => worker.Captures);
        await Eventually.TrueAsync(worker.IsHealthyAsync);
        return worker;
    }

    public async Task<bool> IsHealthyAsync()
    {
        using var response = await Http.GetAsync(new Uri("/health", UriKind.Relative));
        return response.IsSuccessStatusCode;
    }

    /// <summary>Reserves units of one SKU for ten minutes.</summary>
    public Task<ReserveAnswer> ReserveAsync(string sku, string customer, int quantity) =>
        Engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer(customer),
            Lines = [new(sku, quantity)],
            HoldFor = TimeSpan.FromMinutes(10),
        });

    /// <summary>Waits until no partition is fenced, also during an outage of Redis.</summary>
    public Task UntilOpenAsync(TimeSpan? patience = null) => Eventually.TrueAsync(
        async () => !await Engine.Maintenance.IsFencedAsync(),
        patience: patience,
        isTransient: e => e is StoreException { IsOutage: true });

    /// <summary>All measurements of an instrument of the worker, oldest first.</summary>
    public IReadOnlyList<double> Measured(string instrument) => measurements.Of(instrument);

    public async ValueTask DisposeAsync()
    {
        measurements.Dispose();
        Http.Dispose();
        await factory.DisposeAsync();
    }
}
