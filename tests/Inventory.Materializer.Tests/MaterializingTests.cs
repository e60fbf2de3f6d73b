namespace Inventory.Materializer.Tests;

/// <summary>Events become rows: all, in order, once.</summary>
[Collection(OneServer.Name)]
public sealed class MaterializingTests(Postgres postgres)
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Five_thousand_random_operations_arrive_completely_in_order_and_once(int partitions)
    {
        await using var world = await World.StartAsync(postgres.Server, partitions);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });

        await new Shopping(world, seed: 1).RunAsync(5_000);

        await world.AssertStoredAsync();
        Assert.InRange(await world.ReadAsync<long>("SELECT count(*) FROM reservation_events"), 1_000, 10_000);
        Assert.Equal(0, instance.Figure("missing"));
        Assert.Equal(0, instance.Figure("lag_events"));
        Assert.Equal(instance.Figure("batch_size"), instance.Figure("written"));
    }

    [Fact]
    public async Task Two_instances_side_by_side_store_every_event_once()
    {
        await using var world = await World.StartAsync(postgres.Server, partitions: 3);
        var first = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000, BatchSize = 20 });
        var second = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000, BatchSize = 20 });
        var shopping = new Shopping(world, seed: 2);

        var load = shopping.RunAsync(3_000);
        await World.UntilAsync(() => Task.FromResult(shopping.Done > 1_000));
        await first.StopAsync();
        await load;

        await world.AssertStoredAsync();
        var events = 0;
        for (var partition = 0; partition < 3; partition++) events += (await world.StreamAsync(partition)).Count;
        Assert.Equal(events, first.Figure("written") + second.Figure("written"));
    }
}
