using System.Collections.Concurrent;
using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.Materializer.Tests;

/// <summary>Concurrent random operations on the stock engine, of every kind that appends events.</summary>
/// <remarks>
/// Each seed uses its own SKUs. Otherwise holds left by earlier seeds would use up the stock, and later operations
/// would append no events.
/// </remarks>
public sealed class Shopping(World world, int seed)
{
    private const int Skus = 8, Holders = 12, Shoppers = 4;
    private readonly ConcurrentDictionary<Guid, Reservation> known = new();
    private int version;
    private int done;

    /// <summary>Operations carried out so far.</summary>
    public int Done => Volatile.Read(ref done);

    /// <summary>Carries out this number of operations.</summary>
    public async Task RunAsync(int operations, CancellationToken cancellation = default)
    {
        for (var sku = 0; sku < Skus; sku++) await SetStockAsync(Sku(sku), 40);
        await Task.WhenAll(Enumerable.Range(0, Shoppers).Select(async shopper =>
        {
            var random = new Random(seed + shopper);
            for (var i = 0; i < operations / Shoppers && !cancellation.IsCancellationRequested; i++)
            {
                await StepAsync(random);
                Interlocked.Increment(ref done);
            }
        }));
    }

    private string Sku(int index) => $"sku-{seed}-{index}";

    private Task StepAsync(Random random) => random.Next(12) switch
    {
        <= 3 => ReserveAsync(random),
        4 => AdjustAsync(random),
        5 => ExtendAsync(Any(random)),
        <= 7 => ReleaseAsync(Any(random)),
        8 => PinAsync(Any(random), random),
        9 => ReviveAsync(Any(random), random),
        10 => SetStockAsync(Sku(random.Next(Skus)), random.Next(20, 60)),
        _ => world.Engine.Holds.ExpireAsync(10),
    };

    private Reservation? Any(Random random)
    {
        var all = known.Values.ToArray();
        return all.Length == 0 ? null : all[random.Next(all.Length)];
    }

    private async Task ReserveAsync(Random random)
    {
        var first = random.Next(Skus);
        List<Line> lines = [new(Sku(first), random.Next(1, 4))];
        if (random.Next(3) == 0) lines.Add(new(Sku((first + 1) % Skus), 1));
        var answer = await world.Engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer($"customer-{random.Next(Holders)}"),
            Lines = lines,
            // Some holds become due during the run.
            HoldFor = TimeSpan.FromMilliseconds(random.Next(4) == 0 ? 50 : 600_000),
            OnExisting = OnExisting.Allow,
        });
        if (answer.Outcome == ReserveOutcome.Held) known[answer.Reservation!.Id] = answer.Reservation;
    }

    private async Task AdjustAsync(Random random)
    {
        var answer = await world.Engine.Holds.AdjustAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Cart($"cart-{random.Next(Holders)}"),
            Lines = [new(Sku(random.Next(Skus)), random.Next(1, 5))],
            HoldFor = TimeSpan.FromMinutes(10),
        });
        if (answer.Reservation is { } reservation) known[reservation.Id] = reservation;
    }

    private async Task ExtendAsync(Reservation? reservation)
    {
        if (reservation is not null)
        {
            await world.Engine.Holds.ExtendAsync(reservation.Id, TimeSpan.FromMinutes(1), null);
        }
    }

    private async Task ReleaseAsync(Reservation? reservation)
    {
        if (reservation is null) return;
        await world.Engine.Holds.ReleaseAsync(reservation.Id, null);
    }

    private async Task PinAsync(Reservation? reservation, Random random)
    {
        if (reservation is null) return;
        var pinned = await world.Engine.Confirmations.PinAsync(reservation.Id, TimeSpan.FromMinutes(1));
        if (pinned.Outcome is not (PinOutcome.Pinned or PinOutcome.AlreadyPinned)) return;
        await FinishAsync(reservation, pinned, random.Next(3));
    }

    private async Task ReviveAsync(Reservation? reservation, Random random)
    {
        if (reservation is null) return;
        var hold = new HoldRecord(reservation, 1, reservation.ExpiresAt);
        var (outcome, pinned) = await world.Engine.Confirmations.ReviveAsync(hold, TimeSpan.FromMinutes(1));
        if (outcome == RestoreOutcome.Restored) await FinishAsync(reservation, pinned!, random.Next(3));
    }

    private async Task FinishAsync(Reservation reservation, PinAnswer pinned, int way)
    {
        // The third way leaves the hold pinned.
        if (way == 0)
        {
            foreach (var pin in pinned.Pins) await world.Engine.Confirmations.UnpinAsync(reservation.Id, pin);
        }
        else if (way == 1)
        {
            await world.Engine.Confirmations.CommitAsync(
                reservation.Id,
                [.. pinned.Reservation!.Lines.Select(line =>
                    new SkuTotal(line.Sku, 40, Interlocked.Increment(ref version)))]);
        }
    }

    private Task<SetStockOutcome> SetStockAsync(string sku, int total) =>
        world.Engine.Levels.SetStockAsync(new(sku, total, Interlocked.Increment(ref version), null, false));
}
