using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Inventory.Ledger;
using Inventory.ReconciliationWorker.Audit;
using Inventory.ReconciliationWorker.Rebuild;
using Inventory.Stock;
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
    private readonly MeterListener listener = new();
    private readonly Lock access = new();
    private readonly Dictionary<string, List<double>> measured = [];

    private Worker(WebApplicationFactory<Program> factory, LoggedLines log)
    {
        this.factory = factory;
        Log = log;
        var meters = factory.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == meters && instrument.Meter.Name == "Inventory.Reconciliation")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Record(instrument.Name, value));
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Record(instrument.Name, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Record(instrument.Name, value));
        listener.Start();
        Http = factory.CreateClient();
    }

    public LoggedLines Log { get; }

    public HttpClient Http { get; }

    public StockStores Engine => factory.Services.GetRequiredService<StockStores>();

    public IConnectionMultiplexer Redis =>
        factory.Services.GetRequiredService<IConnectionMultiplexer>();

    public ExpiryHeartbeat Heartbeat => factory.Services.GetRequiredService<ExpiryHeartbeat>();

    public OnlineHoldCounter Large => factory.Services.GetRequiredService<OnlineHoldCounter>();

    public StockRepair Repair => factory.Services.GetRequiredService<StockRepair>();

    public PinResolver Resolver => factory.Services.GetRequiredService<PinResolver>();

    public Confirmations Confirmations => factory.Services.GetRequiredService<Confirmations>();

    /// <summary>Whether this instance is the one that captures.</summary>
    public bool Captures => Measured("inventory.capture.active") is [.., > 0];

    /// <summary>Starts a worker whose sweeps are too rare to affect a test.</summary>
    public static Worker Start(Stores stores, params (string Key, string Value)[] settings)
    {
        var log = new LoggedLines();
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
        await UntilAsync(() => Task.FromResult(worker.Captures));
        await UntilAsync(async () => await worker.IsHealthyAsync());
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
    public Task<TimeSpan> UntilOpenAsync() => UntilAsync(async () =>
    {
        try
        {
            return !await Engine.Maintenance.IsFencedAsync();
        }
        catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException)
        {
            return false;
        }
    });

    /// <summary>All measurements of an instrument of the worker, oldest first.</summary>
    public IReadOnlyList<double> Measured(string instrument)
    {
        listener.RecordObservableInstruments();
        lock (access) return measured.TryGetValue(instrument, out var values) ? [.. values] : [];
    }

    /// <summary>Waits for a condition; fails after a minute.</summary>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> UntilAsync(Func<Task<bool>> happened)
    {
        var watch = Stopwatch.StartNew();
        while (!await happened())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), "It did not happen.");
            await Task.Delay(TimeSpan.FromMilliseconds(2));
        }

        return watch.Elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        Http.Dispose();
        await factory.DisposeAsync();
    }

    private void Record(string instrument, double value)
    {
        lock (access)
        {
            if (!measured.TryGetValue(instrument, out var values)) measured[instrument] = values = [];
            values.Add(value);
        }
    }
}
