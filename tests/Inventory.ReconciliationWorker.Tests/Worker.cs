using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Inventory.Ledger;
using Inventory.ReconciliationWorker.Auditing;
using Inventory.ReconciliationWorker.Rebuilding;
using Inventory.Stock;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>The real worker on a Kestrel port of its own.</summary>
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

    public StockEngine Engine => factory.Services.GetRequiredService<StockEngine>();

    public IConnectionMultiplexer Redis =>
        factory.Services.GetRequiredService<IConnectionMultiplexer>();

    public ExpiryHeartbeat Heartbeat => factory.Services.GetRequiredService<ExpiryHeartbeat>();

    public LargeSkus Large => factory.Services.GetRequiredService<LargeSkus>();

    public PinResolver Resolver => factory.Services.GetRequiredService<PinResolver>();

    public Confirmations Confirmations => factory.Services.GetRequiredService<Confirmations>();

    /// <summary>Whether this instance is the one that captures.</summary>
    public bool Captures => Measured("inventory.capture.active") is [.., > 0];

    /// <summary>Starts a worker whose sweeps come too seldom to be what a test sees.</summary>
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

    /// <summary>One customer wants one SKU for ten minutes.</summary>
    public Task<ReserveAnswer> ReserveAsync(string sku, string customer, int quantity) => Engine.ReserveAsync(new()
    {
        Id = Guid.NewGuid(),
        Holder = Holder.Customer(customer),
        Lines = [new(sku, quantity)],
        HoldFor = TimeSpan.FromMinutes(10),
    });

    /// <summary>Waits until everything is sold from again, also over a time without Redis.</summary>
    public Task<TimeSpan> UntilOpenAsync() => UntilAsync(async () =>
    {
        try
        {
            return !await Engine.IsFencedAsync();
        }
        catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException)
        {
            return false;
        }
    });

    /// <summary>All that an instrument of the worker measured, oldest first.</summary>
    public IReadOnlyList<double> Measured(string instrument)
    {
        listener.RecordObservableInstruments();
        lock (access) return measured.TryGetValue(instrument, out var values) ? [.. values] : [];
    }

    /// <summary>Waits for something that happens by itself, for as long as a person would.</summary>
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
