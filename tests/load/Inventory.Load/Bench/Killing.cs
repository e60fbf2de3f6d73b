using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Identity;
using Inventory.Load.Http;
using Inventory.Load.Stack;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>Kills processes with SIGKILL under load; measures the outage and the acknowledged holds lost.</summary>
internal sealed class Killing(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int Connections = 16;
    private static readonly TimeSpan BeforeKill = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Kills the victims one after the other.</summary>
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
        var sku = await CreateAsync(stop);
        var ids = new ConcurrentDictionary<long, string>();
        var held = new ConcurrentBag<string>();
        var (direct, any) = (new Gap(), new Gap());
        var loop = new ClosedLoop(stack.Gateway, Connections)
        {
            Answered = answer =>
            {
                ids.TryRemove(answer.Number, out var id);
                if (answer.Status != 201) return;
                held.Add(id!);
                direct.End();
                any.End();
            },
        };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var load = loop.RunAsync(number =>
        {
            var id = ids[number] = Guid.NewGuid().ToString();
            return HttpRequestText.Of("POST", "/api/reservations", ReserveBody.Of(sku, id));
        }, end.Token);
        var watching = WatchAsync(sku, any, end.Token);
        await Task.Delay(BeforeKill, stop);
        await stack.RefreshAsync(stop);
        direct.Begin();
        any.Begin();
        using (var process = Process.GetProcessById(stack.ProcessIds(victim)[0])) process.Kill();

        // Service is back when requests succeed in ten consecutive intervals of 0.1 s.
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
        await watching;
        // An outage that has not ended by now is counted up to now: it was at least this long.
        direct.End();
        any.End();

        var lost = await LostAsync([.. held], stop);
        figures.Add($"kill -9 {victim}", "no hold for", "s", any.Longest.TotalSeconds);
        figures.Add($"kill -9 {victim}", "newcomers queued for", "s", direct.Longest.TotalSeconds);
        figures.Add($"kill -9 {victim}", "acknowledged", "reservations", held.Count);
        figures.Add($"kill -9 {victim}", "acknowledged and lost", "reservations", lost);
        log($"kill -9 {victim}: no hold for {any.Longest.TotalSeconds:0.00} s, newcomers queued for "
            + $"{direct.Longest.TotalSeconds:0.00} s, {lost} of {held.Count} acknowledged reservations lost");
    }

    /// <summary>
    /// Creates a product. Retries, because the previous victim may still be recovering: reserving goes on without
    /// PostgreSQL, creating a product does not.
    /// </summary>
    private async Task<string> CreateAsync(CancellationToken stop)
    {
        for (var waited = Stopwatch.StartNew(); ;)
        {
            try
            {
                return await stack.CreateOwnAsync();
            }
            catch (HttpRequestException) when (waited.Elapsed < Patience)
            {
                await Task.Delay(After, stop);
            }
        }
    }

    /// <summary>Ends the outage when more units are held than before; holds of queued requests count too.</summary>
    private async Task WatchAsync(string sku, Gap gap, CancellationToken end)
    {
        var settings = ConfigurationOptions.Parse(stack.Redis);
        settings.AbortOnConnectFail = false;
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        await using var redis = await ConnectionMultiplexer.ConnectAsync(settings);
        long? most = null;
        while (!end.IsCancellationRequested)
        {
            try
            {
                var held = (long)await redis.GetDatabase().HashGetAsync($"{{inv:0}}:stock:{sku}", "reserved");
                if (held > most) gap.End();
                most = Math.Max(most ?? held, held);
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                // Redis was killed or is still loading its file. The count after that is old, so start over.
                most = null;
            }

            await Task.Delay(Glance, CancellationToken.None);
        }
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
