using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Identity;
using Inventory.Load.Http;
using Inventory.Load.Stack;

namespace Inventory.Load.Bench;

/// <summary>Processes killed with SIGKILL under load: how long nobody is served, and what is lost.</summary>
internal sealed class Killing(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int Connections = 16;
    private static readonly TimeSpan BeforeKill = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Kills one after the other.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> settle, CancellationToken stop)
    {
        foreach (var victim in plan.Victims)
        {
            await settle(stop);
            await KillAsync(victim, stop);
        }
    }

    private async Task KillAsync(string victim, CancellationToken stop)
    {
        var sku = await stack.CreateOwnAsync();
        var ids = new ConcurrentDictionary<long, string>();
        var held = new ConcurrentBag<string>();
        var (gate, last, longest) = (new Lock(), Stopwatch.GetTimestamp(), TimeSpan.Zero);
        var loop = new ClosedLoop(stack.Gateway, Connections)
        {
            Answered = answer =>
            {
                ids.TryRemove(answer.Number, out var id);
                if (answer.Status != 201) return;
                held.Add(id!);
                lock (gate)
                {
                    var silence = Stopwatch.GetElapsedTime(last);
                    if (silence > longest) longest = silence;
                    last = Stopwatch.GetTimestamp();
                }
            },
        };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var load = loop.RunAsync(number =>
        {
            var id = ids[number] = Guid.NewGuid().ToString();
            return HttpRequestText.Of("POST", "/api/reservations", ReserveBody.Of(sku, id));
        }, end.Token);
        await Task.Delay(BeforeKill, stop);
        lock (gate) longest = TimeSpan.Zero;
        using (var process = Process.GetProcessById(stack.ProcessIds(victim)[0])) process.Kill();

        // Served again: a second without a pause, after the kill.
        var waited = Stopwatch.StartNew();
        var served = 0;
        while (waited.Elapsed < Patience && served < 10)
        {
            var before = held.Count;
            await Task.Delay(After / 10, stop);
            served = waited.Elapsed > After && held.Count > before ? served + 1 : 0;
        }
        await end.CancelAsync();
        await load;
        if (served < 10)
        {
            figures.Add($"kill -9 {victim}", "nobody served for", "s", Patience.TotalSeconds);
            throw new InvalidOperationException($"not served again within {Patience.TotalSeconds} s of {victim}'s end");
        }

        var lost = await LostAsync([.. held], stop);
        figures.Add($"kill -9 {victim}", "nobody served for", "s", longest.TotalSeconds);
        figures.Add($"kill -9 {victim}", "acknowledged", "reservations", held.Count);
        figures.Add($"kill -9 {victim}", "acknowledged and lost", "reservations", lost);
        log($"kill -9 {victim}: nobody served for {longest.TotalSeconds:0.00} s, "
            + $"{lost} of {held.Count} acknowledged reservations lost");
    }

    private async Task<int> LostAsync(string[] held, CancellationToken stop)
    {
        var load = await new ClosedLoop(stack.Gateway, Connections).RunAsync(
            number => number < held.Length
                ? HttpRequestText.Of("GET", $"/api/reservations/{held[number]}", key: DemoKeys.Backend)
                : null, stop);
        return (int)load.Errors;
    }
}
