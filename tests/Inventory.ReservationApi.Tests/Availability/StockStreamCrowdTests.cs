using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Inventory.ReservationApi.Availability;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace Inventory.ReservationApi.Tests.Availability;

/// <summary>Many listeners, many changes, one reader.</summary>
[Collection(nameof(StockStreamCrowdTests))]
public sealed class StockStreamCrowdTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Skus = 20;
    private const int Listeners = 1_000;
    private const int Reservations = 10_000;
    private const int Units = 1_000;

    /// <summary>Less than a quarter of the 35 MB that a thousand listeners and their clients take here.</summary>
    private const long Tolerance = 8_000_000;

    private readonly Api api = new(new() { ["LiveStock:Linger"] = "00:00:00" });

    public Task InitializeAsync() => api.InitializeAsync();

    public Task DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task A_thousand_listeners_see_the_last_state_of_ten_thousand_reservations_and_leak_no_memory()
    {
        var skus = await Task.WhenAll(Enumerable.Range(0, Skus).Select(_ => api.NewSkuAsync(Units)));
        using var listeners = new MeterListener();
        var listening = CountListeners(listeners);
        // Warm up, so that connections, compiled code and pools exist before the measurement.
        await ListenAsync(skus, from: Units, Reservations / 10);
        await LeftAsync(listening);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var topic = await ListenAsync(skus, from: Units - (Reservations / 10 / Skus), Reservations);
        var during = GC.GetTotalMemory(forceFullCollection: false);
        await LeftAsync(listening);

        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            return !topic.IsAlive;
        });
        await Eventually.TrueAsync(() => GC.GetTotalMemory(forceFullCollection: true) < before + Tolerance);
        output.WriteLine($"Heap: {before:N0} before, {during:N0} with listeners, {GC.GetTotalMemory(true):N0} after.");
    }

    [Fact]
    public async Task A_listener_that_does_not_read_delays_no_other()
    {
        var sku = await api.NewSkuAsync(1_000);
        using var deaf = new TcpClient { ReceiveBufferSize = 1 };
        await deaf.ConnectAsync(api.Http.BaseAddress!.Host, api.Http.BaseAddress.Port);
        await deaf.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET /api/stock/{sku}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        await Eventually.TrueAsync(() => Live.Load == (1, 1));
        using var stream = await StockStream.OpenAsync(api.Http, sku);
        await stream.NextAsync();

        for (var held = 1; held <= 3; held++)
        {
            await HoldAsync(sku);
            Assert.Equal(1_000 - held, (await stream.NextAsync())!.Available);
        }
    }

    /// <summary>Sums the changes of the metric, so that a wrong count of listeners shows.</summary>
    private StrongBox<int> CountListeners(MeterListener listener)
    {
        var sum = new StrongBox<int>();
        listener.InstrumentPublished = (instrument, me) =>
        {
            if (instrument.Name == "inventory.live.listeners"
                && instrument.Meter.Scope == api.Services.GetRequiredService<IMeterFactory>())
            {
                me.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, change, _, _) => Interlocked.Add(ref sum.Value, change));
        listener.Start();
        return sum;
    }

    private async Task LeftAsync(StrongBox<int> listening)
    {
        await Eventually.TrueAsync(() => Live.Load == (0, 0));
        Assert.Equal(0, Volatile.Read(ref listening.Value));
        await Eventually.TrueAsync(() => !Live.IsFollowing);
    }

    /// <summary>Opens all streams, reads until each has the last state, and closes them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference> ListenAsync(string[] skus, int from, int reservations)
    {
        var streams = await Task.WhenAll(
            Enumerable.Range(0, Listeners).Select(i => StockStream.OpenAsync(api.Http, skus[i % Skus])));
        Assert.Equal((Listeners, Skus), Live.Load);
        var last = from - (reservations / Skus);
        var watching = streams.Select(stream => stream.UntilAsync(seen => seen.Available == last)).ToList();

        var start = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, reservations),
            new ParallelOptions { MaxDegreeOfParallelism = 50 },
            async (i, _) => await HoldAsync(skus[i % Skus]));
        await Task.WhenAll(watching);

        // The first state, then at most four events a second; a second that has begun counts as a whole one.
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        Assert.All(streams, stream => Assert.InRange(stream.Events, 1, (int)(4 * (seconds + 1)) + 1));
        foreach (var stream in streams) stream.Dispose();
        return Peek(skus[0]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference Peek(string sku)
    {
        using var listener = Live.TryJoin(sku)!;
        return new(listener.Topic);
    }

    private LiveStock Live => api.Services.GetRequiredService<LiveStock>();

    private async Task HoldAsync(string sku)
    {
        var held = await api.Engine.Holds.ReserveAsync(new ReserveRequest
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer(Guid.NewGuid().ToString("N")),
            Lines = [new(sku, 1)],
            HoldFor = TimeSpan.FromMinutes(5),
        });
        Assert.Equal(ReserveOutcome.Held, held.Outcome);
    }
}

/// <summary>These tests run alone, because they measure the memory of the process.</summary>
[CollectionDefinition(nameof(StockStreamCrowdTests), DisableParallelization = true)]
public sealed class AloneTests;
