using System.Diagnostics;
using Inventory.Load.Http;
using Inventory.Load.Stack;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>100,000 holds of one SKU that are due in the same second, while others reserve another SKU.</summary>
internal sealed class Expiring(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int HoldersAtOnce = 200;
    private const int Sample = 5_000;
    private const double Margin = 1.8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Measures once: a round takes long, and rounds differ little.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> settle, CancellationToken stop)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(stack.Redis);
        var engine = new StockStores(redis, Options.Create(new StockOptions()));
        var (due, other) = ($"bench-due-{Guid.NewGuid():N}", await stack.CreateOwnAsync());
        await stack.CreateAsync(due, plan.DueHolds);

        // The deadline must be later than the last hold; the sample tells how long making the holds takes.
        var clock = Stopwatch.StartNew();
        await HoldAsync(engine, other, Sample, () => TimeSpan.FromHours(1));
        var deadline = (clock.Elapsed * plan.DueHolds / Sample * Margin) + TimeSpan.FromSeconds(2);
        clock.Restart();
        await HoldAsync(engine, due, plan.DueHolds, () => deadline - clock.Elapsed > TimeSpan.FromSeconds(1)
            ? deadline - clock.Elapsed
            : throw new InvalidOperationException("The first holds expire before the last one is made."));
        log($"{plan.DueHolds:N0} holds made in {clock.Elapsed.TotalSeconds:0.0} s, due at {deadline.TotalSeconds:0} s");
        await settle(stop);
        if (deadline > clock.Elapsed) await Task.Delay(deadline - clock.Elapsed, stop);

        using var back = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var run = Guid.NewGuid().ToString("N")[..8];
        var beside = new ClosedLoop(stack.Gateway, Names.Compared).RunAsync(
            number => HttpRequestText.Of("POST", "/api/reservations",
                $$"""{"productId":"{{other}}","userId":"{{run}}-{{number}}","quantity":1}"""), back.Token);
        var took = Stopwatch.StartNew();
        while ((int)await redis.GetDatabase().HashGetAsync($"{{inv:0}}:stock:{due}", "reserved") > 0)
        {
            if (took.Elapsed > Patience) throw new InvalidOperationException("Due holds were not released.");
            await Task.Delay(10, stop);
        }

        var seconds = took.Elapsed.TotalSeconds;
        await back.CancelAsync();
        var load = await beside;
        figures.Add(Names.Expiry, "all back", "s", seconds);
        figures.Add(Names.Expiry, load);
        log($"all released after {seconds:0.00} s; meanwhile {load.PerSecond:N0} reserves/s, p99 {load.P99:0.0} ms");
    }

    private static Task HoldAsync(StockStores engine, string sku, int count, Func<TimeSpan> lifetime) =>
        Crowd.EachAsync(count, HoldersAtOnce, number => engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer($"user-{number}"),
            Lines = [new(sku, 1)],
            HoldFor = lifetime(),
        }));
}
