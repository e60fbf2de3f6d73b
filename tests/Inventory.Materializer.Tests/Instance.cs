using System.Diagnostics.Metrics;
using Inventory.History;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Materializer.Tests;

/// <summary>A materializer within the test process, with its own connections.</summary>
public sealed class Instance : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private readonly StreamMaterializer materializer;
    private readonly Measurements measurements;
    private bool stopped;

    private Instance(ServiceProvider services, LogSink log)
    {
        this.services = services;
        Log = log;
        materializer = (StreamMaterializer)services.GetRequiredService<IHostedService>();
        measurements = new(services.GetRequiredService<IMeterFactory>(), MaterializerMetrics.MeterName);
    }

    /// <summary>What the instance logs, from the level Information up.</summary>
    public LogSink Log { get; }

    public DeadLetters DeadLetters => services.GetRequiredService<DeadLetters>();

    public static async Task<Instance> StartAsync(
        string redis, string ledger, int partitions, MaterializerOptions options)
    {
        var log = new LogSink();
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(log))
            .AddMetrics()
            .AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis))
            .AddSingleton(NpgsqlDataSource.Create(ledger))
            .AddSingleton(Options.Create(new StockOptions { Partitions = partitions }))
            .AddSingleton(Options.Create(options))
            .AddSingleton(TimeProvider.System)
            .AddSingleton<StockStores>()
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Events)
            .AddSingleton<MaterializerMetrics>()
            .AddSingleton<Outage>()
            .AddSingleton<BatchWriter>()
            .AddSingleton<DeadLetters>()
            .AddHostedService<StreamMaterializer>()
            .BuildServiceProvider();
        var instance = new Instance(services, log);
        await instance.materializer.StartAsync(CancellationToken.None);
        return instance;
    }

    /// <summary>The sum of all values of a counter or histogram.</summary>
    public double Figure(string name) => measurements.Of($"inventory.materializer.{name}").Sum();

    /// <summary>The present value of a gauge.</summary>
    public double Gauge(string name) => measurements.Of($"inventory.materializer.{name}")[^1];

    public async Task StopAsync()
    {
        if (stopped) return;
        stopped = true;
        await materializer.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        measurements.Dispose();
        await services.DisposeAsync();
        Assert.Null(materializer.ExecuteTask?.Exception);
    }
}
