using System.Collections.Concurrent;
using Inventory.Identity;
using Inventory.Load.Http;
using Inventory.Load.Stack;

namespace Inventory.Load.Bench;

/// <summary>
/// Load above capacity: many connections read and reserve without pause, and retry at once when they are refused. A few
/// others confirm at the same time; no confirm may be refused.
/// </summary>
internal sealed class Overloading(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int Holds = 5_000;
    private const int HoldsAtOnce = 16;
    private const int Payers = 16;
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);

    /// <summary>Processes with memory that the load could fill.</summary>
    public static readonly string[] Weighed = ["gateway", "reservation-api", "redis"];

    /// <summary>Measures one overload.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> settle, CancellationToken stop)
    {
        var sku = await stack.CreateOwnAsync();
        var held = await HoldAsync(sku, stop);
        await settle(stop);
        var before = Weighed.ToDictionary(name => name, Megabytes);

        using var time = CancellationTokenSource.CreateLinkedTokenSource(stop);
        time.CancelAfter(plan.Overload);
        var weighing = WeighAsync(time.Token);
        var read = HttpRequestText.Of("GET", $"/snapshot/{sku}", key: DemoKeys.Backend);
        var reading = AskAsync(Names.OverloadRead, Names.Crowd, _ => read, time.Token);
        var reserving = AskAsync(Names.OverloadReserve, Names.Crowd, _ => HttpRequestText.Of("POST",
            "/api/reservations", ReserveBody.Of(sku, Guid.NewGuid().ToString()), DemoKeys.Backend), time.Token);
        // Confirms under way at the end of the time are awaited: the outcome of a cancelled one is unknown.
        var paying = AskAsync(Names.OverloadConfirm, Payers,
            number => number < held.Length && !time.IsCancellationRequested
                ? HttpRequestText.Of("POST", $"/api/reservations/{held[number]}/confirm", key: DemoKeys.Backend)
                : null, stop);
        await Task.WhenAll(reading, reserving, paying);

        var most = await weighing;
        foreach (var name in Weighed)
        {
            figures.Add(Names.Overloaded(name), "memory before", "MB", before[name]);
            figures.Add(Names.Overloaded(name), "memory, most", "MB", most[name]);
        }

        var (total, sold) = ((await stack.SnapshotAsync(sku)).Total, await paying);
        var gone = RunningStack.Plenty - total;
        if (gone != sold) throw new InvalidOperationException($"{sold} confirms succeeded, but {gone} units were sold");
    }

    /// <summary>Sends requests without pause, and counts the responses.</summary>
    /// <returns>The number of requests that succeeded.</returns>
    private async Task<long> AskAsync(
        string step, int connections, Func<long, byte[]?> next, CancellationToken stop)
    {
        var (served, shed, others) = (0L, 0L, new ConcurrentDictionary<int, int>());
        var loop = new ClosedLoop(stack.Gateway, connections)
        {
            Answered = answer =>
            {
                if (answer.Status is >= 200 and < 300) Interlocked.Increment(ref served);
                else if (answer is { Status: 503, TellsWhenToRetry: true }) Interlocked.Increment(ref shed);
                else others.AddOrUpdate(answer.Status, 1, (_, count) => count + 1);
            },
        };
        var load = await loop.RunAsync(next, stop);
        figures.Add(step, "served", "requests", served);
        figures.Add(step, "shed", "requests", shed);
        figures.Add(step, "neither", "requests", others.Values.Sum());
        figures.Add(step, load);
        var rest = string.Join("", others.Select(other => $", {other.Value} x {other.Key}"));
        log($"{step}: {served} served, {shed} shed with Retry-After{rest}, p99 {load.P99:0} ms");
        return served;
    }

    private async Task<string[]> HoldAsync(string sku, CancellationToken stop)
    {
        string[] ids = [.. Enumerable.Range(0, Holds).Select(_ => Guid.NewGuid().ToString())];
        var load = await new ClosedLoop(stack.Gateway, HoldsAtOnce).RunAsync(
            number => number < ids.Length
                ? HttpRequestText.Of("POST", "/api/reservations", ReserveBody.Of(sku, ids[number]), DemoKeys.Backend)
                : null, stop);
        return load.Errors == 0 ? ids : throw new InvalidOperationException($"{load.Errors} reserve requests failed");
    }

    private async Task<Dictionary<string, double>> WeighAsync(CancellationToken stop)
    {
        var most = Weighed.ToDictionary(name => name, Megabytes);
        while (!stop.IsCancellationRequested)
        {
            await Task.WhenAny(Task.Delay(Beat, stop));
            foreach (var name in Weighed) most[name] = Math.Max(most[name], Megabytes(name));
        }
        return most;
    }

    private double Megabytes(string name) => ProcessFigures.Megabytes(stack.ProcessIds(name));
}
