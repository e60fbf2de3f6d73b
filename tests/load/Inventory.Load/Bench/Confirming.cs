using System.Collections.Concurrent;
using Inventory.Identity;
using Inventory.Load.Http;
using Inventory.Load.Stack;

namespace Inventory.Load.Bench;

/// <summary>Measures batches of reservations of one SKU, their confirms, and the rival's orders.</summary>
internal sealed class Confirming(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int BatchSize = 100;
    private const int BatchesAtOnce = 8;
    private const int WarmUp = 1_000;

    /// <summary>Measures all three, in each round.</summary>
    public async Task RunAsync(Opponents servers, Func<CancellationToken, Task> settle, CancellationToken stop)
    {
        var api = stack.Addresses("reservation-api")[0];
        for (var round = 1; round <= plan.Rounds; round++)
        {
            var sku = await stack.CreateOwnAsync();
            await settle(stop);
            var held = await BatchAsync(sku, stop);
            await settle(stop);

            if (round == 1)
            {
                // During the first confirms the runtime compiles the code; those are not measured.
                var first = held[..Math.Min(held.Length, WarmUp)];
                await LoadAsync(stack.Gateway, number => ConfirmNext(first, number), stop);
                held = held[first.Length..];
                await settle(stop);
            }

            var confirmed = await LoadAsync(stack.Gateway, number => ConfirmNext(held, number), stop);
            figures.Add(Names.Confirm, confirmed);
            log($"round {round} of {plan.Rounds}: {Names.Confirm}: {confirmed.PerSecond:N0}/s, "
                + $"p99 {confirmed.P99:0.0} ms, {confirmed.Errors} errors");
            await settle(stop);
            var rest = held[(int)Math.Min(held.Length, confirmed.Done + confirmed.Errors + Names.Compared)..];
            var atApi = await LoadAsync(api, number => ConfirmNext(rest, number), stop);
            figures.Add($"{Names.Confirm} at the API", atApi);
            await settle(stop);

            var body = """{"productId":"hot","userId":"user","quantity":1}""";
            var order = HttpRequestText.Of("POST", "/confirm", body);
            var alone = await LoadAsync(servers.Rivals, _ => order, stop);
            figures.Add(Names.ConfirmAlone, alone);
            log($"round {round} of {plan.Rounds}: {Names.ConfirmAlone}: {alone.PerSecond:N0}/s");
        }
    }

    private static byte[]? ConfirmNext(string[] held, long number) => number < held.Length
        ? HttpRequestText.Of("POST", $"/api/reservations/{held[number]}/confirm", key: DemoKeys.Backend)
        : null;

    private async Task<LoadResult> LoadAsync(Uri target, Func<long, byte[]?> next, CancellationToken stop)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(stop);
        time.CancelAfter(plan.Step);
        return await new ClosedLoop(target, Names.Compared).RunAsync(next, time.Token);
    }

    /// <summary>Reserves in batches for twice the time of a step.</summary>
    /// <returns>Ids of the reservations.</returns>
    private async Task<string[]> BatchAsync(string sku, CancellationToken stop)
    {
        var held = new List<string>();
        using var time = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // Twice as long as other steps, so that there are enough holds to confirm.
        time.CancelAfter(2 * plan.Step);
        var batches = new ConcurrentDictionary<long, string[]>();
        var loop = new ClosedLoop(stack.Gateway, BatchesAtOnce)
        {
            Answered = answer =>
            {
                if (!batches.TryRemove(answer.Number, out var ids) || answer.Status != 200) return;
                lock (held) held.AddRange(ids);
            },
        };
        var load = await loop.RunAsync(number =>
        {
            var ids = batches[number] = [.. Enumerable.Range(0, BatchSize).Select(_ => Guid.NewGuid().ToString())];
            var reservations = ids.Select(id => ReserveBody.Of(sku, id));
            return HttpRequestText.Of("POST", "/api/reservations/batch",
                $$"""{"reservations":[{{string.Join(',', reservations)}}]}""", DemoKeys.Backend);
        }, time.Token);
        figures.Add(Names.Batch, load with { Done = load.Done * BatchSize });
        log($"{Names.Batch}: {load.PerSecond * BatchSize:N0} reservations/s, {load.Errors} errors");
        return [.. held];
    }
}
