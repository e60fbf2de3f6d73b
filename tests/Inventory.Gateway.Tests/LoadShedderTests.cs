using System.Diagnostics.Metrics;
using Inventory.ServiceDefaults.Overload;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Inventory.Gateway.Tests;

/// <summary>The order and the length of waits, and which requests are shed. Tests set the time.</summary>
public sealed class LoadShedderTests : IDisposable
{
    private static readonly TimeSpan Rush = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Steady = TimeSpan.FromMilliseconds(100);
    private static readonly int Most = Environment.ProcessorCount;

    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider time = new();
    private readonly LoadShedder shedder;

    public LoadShedderTests() => shedder = new(
        Options.Create(new OverloadOptions
        {
            InFlightPerCore = 1,
            BrowsingPercent = 100,
            ReservingWait = Rush,
            BrowsingWait = Rush,
            SteadyWait = Steady,
            MaxWaiting = 4,
        }),
        new(services.GetRequiredService<IMeterFactory>()), time);

    public void Dispose()
    {
        shedder.Dispose();
        services.Dispose();
    }

    [Fact]
    public async Task A_free_place_goes_to_the_first_reserving_request()
    {
        await FillAsync();
        var browser = Enter(Priority.Browsing);
        var first = Enter(Priority.Reserving);
        var second = Enter(Priority.Reserving);

        shedder.Leave(Priority.Reserving);
        Assert.True(await first);
        Assert.False(second.IsCompleted);
        shedder.Leave(Priority.Reserving);
        Assert.True(await second);
        Assert.False(browser.IsCompleted);
        shedder.Leave(Priority.Reserving);
        Assert.True(await browser);
        Assert.Equal((1, Most - 1), (shedder.InFlight(Priority.Browsing), shedder.InFlight(Priority.Reserving)));
    }

    [Fact]
    public async Task A_new_request_does_not_overtake_a_waiting_one()
    {
        await FillAsync();
        var waiting = Enter(Priority.Reserving);
        shedder.Leave(Priority.Reserving);
        var late = Enter(Priority.Reserving);

        Assert.True(await waiting);
        Assert.False(late.IsCompleted);
    }

    [Fact]
    public async Task A_request_may_wait_during_a_short_rush()
    {
        await FillAsync();
        var patient = Enter(Priority.Reserving);
        time.Advance(Rush);
        Assert.False(patient.IsCompleted);
        shedder.Leave(Priority.Reserving);

        Assert.True(await patient);
    }

    [Fact]
    public async Task A_request_that_waits_too_long_is_shed_without_another_event()
    {
        await FillAsync();
        var waiting = Enter(Priority.Reserving);
        time.Advance(Rush + Steady);

        Assert.False(await waiting);
        Assert.Equal(0, shedder.Waiting(Priority.Reserving));
    }

    [Fact]
    public async Task In_a_queue_that_stays_requests_wait_only_shortly()
    {
        await FillAsync();
        Task<bool> last = Enter(Priority.Reserving);
        for (var waited = TimeSpan.Zero; waited <= Rush; waited += Steady)
        {
            // In each step one request is served and one arrives.
            var next = Enter(Priority.Reserving);
            shedder.Leave(Priority.Reserving);
            Assert.True(await last);
            last = next;
            time.Advance(Steady);
        }

        Assert.False(await Settled(last, Steady));
        // The overload has ended, because the queue was empty.
        var fresh = Enter(Priority.Reserving);
        time.Advance(Rush);
        Assert.False(fresh.IsCompleted);
    }

    [Fact]
    public async Task In_a_full_queue_reserving_requests_replace_browsing_ones()
    {
        await FillAsync();
        Task<bool>[] browsers = [.. Enumerable.Range(0, 4).Select(_ => Enter(Priority.Browsing))];
        Assert.False(await Enter(Priority.Browsing));
        var buyers = Enumerable.Range(0, 4).Select(_ => Enter(Priority.Reserving)).ToArray();
        Assert.All(await Task.WhenAll(browsers), Assert.False);

        Assert.False(await Enter(Priority.Reserving));
        Assert.All(buyers, buyer => Assert.False(buyer.IsCompleted));
    }

    [Fact]
    public async Task Many_concurrent_requests_never_exceed_the_limit_and_free_all_places()
    {
        var (most, now) = (0, 0);
        using var crowd = new LoadShedder(
            Options.Create(new OverloadOptions { InFlightPerCore = 2, MaxWaiting = 100_000 }),
            new(services.GetRequiredService<IMeterFactory>()), TimeProvider.System);
        var admitted = await Task.WhenAll(Enumerable.Range(0, 64).Select(worker => Task.Run(async () =>
        {
            var mine = 0;
            for (var turn = 0; turn < 500; turn++)
            {
                var priority = (worker + turn) % 2 == 0 ? Priority.Browsing : Priority.Reserving;
                if (!await crowd.EnterAsync(priority).AsTask().WaitAsync(TimeSpan.FromSeconds(60))) continue;
                InterlockedMax(ref most, Interlocked.Increment(ref now));
                mine++;
                await Task.Yield();
                Interlocked.Decrement(ref now);
                crowd.Leave(priority);
            }

            return mine;
        })));

        Assert.InRange(most, 2, 2 * Environment.ProcessorCount);
        Assert.InRange(admitted.Sum(), 1, 64 * 500);
        Assert.Equal((0, 0), (crowd.InFlight(Priority.Browsing), crowd.InFlight(Priority.Reserving)));
        Assert.Equal((0, 0), (crowd.Waiting(Priority.Browsing), crowd.Waiting(Priority.Reserving)));
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen;)
        {
            var before = Interlocked.CompareExchange(ref most, now, seen);
            seen = before == seen ? now : before;
        }
    }

    // With a timeout, in case the request never gets in.
    private Task<bool> Enter(Priority priority) =>
        shedder.EnterAsync(priority).AsTask().WaitAsync(TimeSpan.FromSeconds(60));

    private async Task FillAsync()
    {
        for (var i = 0; i < Most; i++) Assert.True(await shedder.EnterAsync(Priority.Reserving));
    }

    private async Task<bool> Settled(Task<bool> place, TimeSpan after)
    {
        time.Advance(after);
        return await place;
    }
}
