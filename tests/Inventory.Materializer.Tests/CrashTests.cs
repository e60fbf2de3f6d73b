using Inventory.Testing;

namespace Inventory.Materializer.Tests;

/// <summary>Every event takes effect once, whatever fails at any moment.</summary>
[Collection(OneServer.Name)]
public sealed class CrashTests(Postgres postgres)
{
    private const int Kills = 50, Breaks = 45;

    [Fact]
    public async Task A_process_that_is_killed_at_random_moments_under_load_stores_every_event_once()
    {
        await using var world = await World.StartAsync(postgres.Server, partitions: 2);
        var random = new Random(7);
        for (var kill = 0; kill < Kills; kill++)
        {
            string?[] before = [await world.LastEventAsync(0), await world.LastEventAsync(1)];
            await new Shopping(world, seed: kill * 100).RunAsync(40);
            // Without a new event in each partition, the wait below would prove nothing.
            Assert.NotEqual(before[0], await world.LastEventAsync(0));
            Assert.NotEqual(before[1], await world.LastEventAsync(1));
            var process = await world.StartProcessAsync(
                ("Materializer:BatchSize", "7"), ("Materializer:PollInterval", "00:00:00.010"),
                ("Materializer:KeepEvents", "1000000"));
            await world.UntilStoredAsync(process);

            using var enough = new CancellationTokenSource();
            var load = new Shopping(world, seed: (kill * 100) + 50).RunAsync(1_000_000, enough.Token);
            // The process writes a batch every few milliseconds: the kill hits one of the next batches.
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 60));
            await process.KillAsync();
            await enough.CancelAsync();
            await load;
        }

        var last = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        await world.AssertStoredAsync();
        Assert.Equal(0, last.Figure("missing"));
    }

    [Fact]
    public async Task Connections_that_break_at_random_steps_under_load_store_every_event_once()
    {
        await using var world = await World.StartAsync(postgres.Server);
        await using var proxy = new BreakingProxy(postgres.Server.Port);
        var instance = await world.StartInstanceAsync(
            new() { BatchSize = 7, KeepEvents = 1_000_000 }, proxy.Through(world.LedgerConnection));
        var random = new Random(11);
        for (var cut = 1; cut <= Breaks; cut++)
        {
            var load = new Shopping(world, seed: cut * 100).RunAsync(100);
            proxy.BreakNext((BreakAt)(cut % 3), after: random.Next(12));
            await load;
            await Eventually.EqualAsync(cut, () => proxy.Breaks);
        }

        await world.AssertStoredAsync();
        Assert.Equal(0, instance.Figure("missing"));
        Assert.Equal(instance.Log.Count("is unavailable"), instance.Log.Count("are available again"));
    }

    [Fact]
    public async Task Another_instance_takes_over_before_the_lease_ends()
    {
        await using var world = await World.StartAsync(postgres.Server);
        // The waits below fail after two minutes: eight minutes before the killed process' lease ends.
        var lease = TimeSpan.FromMinutes(10);
        var process = await world.StartProcessAsync(("Materializer:ReaderLease", lease.ToString()));
        await new Shopping(world, seed: 1).RunAsync(100);
        await world.UntilStoredAsync();
        var standby = await world.StartInstanceAsync(new() { ReaderLease = lease });
        await standby.Log.WaitForAsync("stands by");
        await process.KillAsync();

        await new Shopping(world, seed: 2).RunAsync(100);
        await Eventually.TrueAsync(() => standby.Figure("written") > 0);

        Assert.Equal(1, standby.Log.Count("stands by"));
        await world.AssertStoredAsync();
    }

    [Fact]
    public async Task A_frozen_reader_loses_its_lock_and_stores_nothing_twice_when_it_resumes()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var process = await world.StartProcessAsync(
            ("Materializer:ReaderLease", "00:00:01"), ("Materializer:KeepEvents", "1000000"));
        await new Shopping(world, seed: 1).RunAsync(100);
        await world.UntilStoredAsync();
        var standby = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        process.Freeze();

        await new Shopping(world, seed: 2).RunAsync(1_000);
        await Eventually.TrueAsync(() => standby.Figure("written") > 0);
        process.Thaw();
        await new Shopping(world, seed: 3).RunAsync(1_000);

        await world.AssertStoredAsync();
    }
}
