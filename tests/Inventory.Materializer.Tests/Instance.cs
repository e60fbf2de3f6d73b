using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Inventory.History;
using Inventory.Stock;
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
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<string, double> figures = new();
    private bool stopped;

    private Instance(ServiceProvider services, LogLines log)
    {
        this.services = services;
        Log = log;
        materializer = (StreamMaterializer)services.GetRequiredService<IHostedService>();
        listener.InstrumentPublished = (instrument, me) =>
        {
            if (instrument.Meter.Name == MaterializerMetrics.MeterName
                && instrument.Meter.Scope == services.GetRequiredService<IMeterFactory>())
            {
                me.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Count(instrument, value));
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Count(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Count(instrument, value));
        listener.Start();
    }

    /// <summary>What the instance logs, from the level Information up.</summary>
    public LogLines Log { get; }

    public DeadLetters DeadLetters => services.GetRequiredService<DeadLetters>();

    public static async Task<Instance> StartAsync(
        string redis, string ledger, int partitions, MaterializerOptions options)
    {
        var log = new LogLines();
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

    /// <summary>The sum of all values of a counter or histogram, or the latest value of a gauge.</summary>
    public double Figure(string name)
    {
        listener.RecordObservableInstruments();
        return figures.GetValueOrDefault($"inventory.materializer.{name}");
    }

    public async Task StopAsync()
    {
        if (stopped) return;
        stopped = true;
        await materializer.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        listener.Dispose();
        await services.DisposeAsync();
        Assert.Null(materializer.ExecuteTask?.Exception);
    }

    private void Count(Instrument instrument, double value) => figures.AddOrUpdate(
        instrument.Name, value, (_, sum) => instrument.IsObservable ? value : sum + value);
}

/// <summary>The materializer as it is shipped, in a process that a test may kill.</summary>
public sealed class InstanceProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> said = new();

    private InstanceProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => process.Id;

    public static InstanceProcess Start(
        string redis, string ledger, int partitions, (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Inventory.Materializer.dll")])
        {
            WorkingDirectory = AppContext.BaseDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["ConnectionStrings__redis"] = redis;
        start.Environment["ConnectionStrings__ledger"] = ledger;
        start.Environment["Inventory__Partitions"] = partitions.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in settings) start.Environment[name.Replace(":", "__")] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>The state and output of the process, for the message of a failing test.</summary>
    public override string ToString() =>
        $"process {Id}, {(process.HasExited ? $"ended with {process.ExitCode}" : "running")}\n"
        + string.Join('\n', said);

    /// <summary>Kills the process with SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Kills the process if it still runs; the test's world calls this.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process.Dispose();
    }
}

/// <summary>What an instance logs.</summary>
public sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> lines = new();

    public int Count(string text) => lines.Count(line => line.Contains(text, StringComparison.Ordinal));

    public override string ToString() => string.Join('\n', lines);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) => lines.Enqueue($"{logLevel}: {formatter(state, exception)}");

    public void Dispose()
    {
    }
}
