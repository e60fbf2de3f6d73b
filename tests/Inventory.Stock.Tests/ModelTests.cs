using FsCheck;
using FsCheck.Fluent;
using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// After any sequence of operations Redis agrees with the model. On a failure FsCheck prints the shortest sequence that
/// it finds, and the seed.
/// </summary>
public sealed class ModelTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private const int Sequences = 250, LongestMinutes = 25;

    public enum Verb
    {
        Reserve, ReserveTwo, Adjust, Extend, Release, ComeDue, Expire, SetStock, Pin, Unpin, Commit, Revive,
    }

    /// <summary>
    /// One operation. Small numbers choose holder, SKU, quantity and target, so that shrinking gives simple cases.
    /// </summary>
    public sealed record Step(Verb Verb, int Holder, int Sku, int Quantity, int Target)
    {
        public override string ToString() =>
            $"{Verb}(holder {Holder}, sku {Sku}, quantity {Quantity}, target {Target})";
    }

    [Fact]
    public void Any_sequence_of_operations_leaves_redis_where_the_model_is()
    {
        var steps =
            from verb in Gen.Elements(Enum.GetValues<Verb>())
            from holder in Gen.Choose(0, 4)
            from sku in Gen.Choose(0, 2)
            from quantity in Gen.Choose(1, 6)
            from target in Gen.Choose(0, 11)
            select new Step(verb, holder, sku, quantity, target);
        // 40 to 80 steps each: 10,000 at the very least.
        var sequences = Gen.Choose(40, 80).SelectMany(length => Gen.ArrayOf(steps, length));
        var performed = 0;

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(Sequences),
            Prop.ForAll(
                Arb.From(sequences, Shrink),
                (Step[] array) =>
                {
                    performed += array.Length;
                    RunAsync(array).GetAwaiter().GetResult();
                }));

        Assert.InRange(performed, 10_000, int.MaxValue);
    }

    private static IEnumerable<Step[]> Shrink(Step[] steps)
    {
        for (var size = steps.Length / 2; size >= 1; size /= 2)
        {
            for (var at = 0; at + size <= steps.Length; at += size)
            {
                yield return [.. steps[..at], .. steps[(at + size)..]];
            }
        }
    }

    private async Task RunAsync(Step[] steps)
    {
        var run = new Run(stock, new Model(), Guid.NewGuid().ToString("N")[..8]);
        foreach (var step in steps)
        {
            await run.DoAsync(step);
            await run.CompareAsync(step);
        }
    }

    private sealed class Run(EngineFixture stock, Model model, string name)
    {
        private readonly StockStores engine = stock.With(new()
        {
            MaxLifetime = TimeSpan.FromMinutes(LongestMinutes),
            ReclaimBatch = 2,
        });

        // Names that scripts would confuse if they met them unescaped.
        private string Sku(int index) => name + (index switch { 0 => "", 1 => ":1,mug", _ => " {x}/ü%" });

        // The last of three customers is a shopper who also has two carts.
        private Holder HolderOf(Step step) => step.Holder < 3
            ? Holder.Customer($"{name}-{step.Holder}")
            : Holder.ShopperCart($"{name}-2", $"cart-{step.Holder}");

        private Model.Hold? Target(Step step) =>
            model.Holds.Count == 0 ? null : model.Holds[step.Target % model.Holds.Count];

        public Task DoAsync(Step step) => step.Verb switch
        {
            Verb.Reserve => ReserveAsync(step, new() { [Sku(step.Sku)] = step.Quantity }),
            Verb.ReserveTwo => ReserveAsync(
                step,
                new() { [Sku(step.Sku)] = step.Quantity, [Sku((step.Sku + 1) % 3)] = 1 }),
            Verb.Adjust => AdjustAsync(step),
            Verb.Extend => ExtendAsync(step),
            Verb.Release => ReleaseAsync(step),
            Verb.ComeDue => ComeDueAsync(step),
            Verb.Expire => engine.Holds.ExpireAsync(step.Quantity),
            Verb.SetStock => SetStockAsync(step),
            Verb.Pin => PinAsync(step),
            Verb.Unpin => UnpinAsync(step),
            Verb.Commit => CommitAsync(step),
            Verb.Revive => ReviveAsync(step),
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };

        private async Task ReserveAsync(Step step, Dictionary<string, int> lines)
        {
            var onExisting = (OnExisting)(step.Target % 4);
            // Sometimes an id that was used before.
            var id = step.Target == 11 && Target(step) is { } used ? used.Id : Guid.NewGuid();
            var answer = await engine.Holds.ReserveAsync(new()
            {
                Id = id,
                Holder = HolderOf(step),
                Lines = [.. lines.Select(line => new Line(line.Key, line.Value))],
                HoldFor = TimeSpan.FromMinutes(10),
                OnExisting = onExisting,
            });
            Assert.Equal(model.Reserve(id, HolderOf(step), lines, onExisting), answer.Outcome);
        }

        private async Task AdjustAsync(Step step)
        {
            var expected = model.Adjust(HolderOf(step), Sku(step.Sku), step.Quantity);
            var answer = await engine.Holds.AdjustAsync(
                HolderOf(step),
                new(Sku(step.Sku), step.Quantity),
                TimeSpan.FromMinutes(10),
                null);
            Assert.Equal(expected, answer.Outcome);
            if (expected == AdjustOutcome.Held)
            {
                model.Holds.Add(new(answer.Reservation!.Id, HolderOf(step), new() { [Sku(step.Sku)] = step.Quantity }));
            }
        }

        private async Task ExtendAsync(Step step)
        {
            var id = Target(step)?.Id ?? Guid.NewGuid();
            var answer = await engine.Holds.ExtendAsync(id, TimeSpan.FromMinutes(step.Quantity), null);
            Assert.Equal(model.Extend(id, step.Quantity, LongestMinutes), answer.Outcome);
        }

        private async Task ReleaseAsync(Step step)
        {
            var id = Target(step)?.Id ?? Guid.NewGuid();
            Assert.Equal(model.Release(id), (await engine.Holds.ReleaseAsync(id, null)).Outcome);
        }

        private async Task ComeDueAsync(Step step)
        {
            if (Target(step) is not { Status: ReservationStatus.Pending } hold) return;
            await stock.MakeDueAsync(new(
                hold.Id,
                hold.Status,
                hold.Holder,
                [.. hold.Lines.Select(l => new Line(l.Key, l.Value))],
                default));
            hold.Status = ReservationStatus.Expired;
            hold.Overdue = true;
        }

        private async Task PinAsync(Step step)
        {
            if (Target(step) is not { } hold) return;
            var expected = Model.Pin(hold);
            var answer = await engine.Confirmations.PinAsync(hold.Id, TimeSpan.FromMinutes(1));
            Assert.Equal(expected, answer.Outcome);
            if (expected == PinOutcome.Pinned) hold.Pin = answer.Pins.Single().Number;
        }

        private async Task UnpinAsync(Step step)
        {
            if (Target(step) is not { } hold) return;
            Assert.Equal(Model.Unpin(hold), await engine.Confirmations.UnpinAsync(hold.Id, new(0, hold.Pin)));
        }

        private async Task CommitAsync(Step step)
        {
            // The system of record writes no order that would make a total negative.
            if (Target(step) is not { } hold || hold.Lines.Any(line => model.Skus[line.Key].Total < line.Value)) return;
            var expected = model.Commit(hold);
            var totals = hold.Lines.Keys
                .Select(sku => new SkuTotal(sku, model.Skus[sku].Total, model.Skus[sku].Version));
            Assert.Equal(expected, await engine.Confirmations.CommitAsync(hold.Id, [.. totals]));
        }

        private async Task ReviveAsync(Step step)
        {
            if (Target(step) is not { } hold) return;
            var reservation = (await engine.Holds.FindAsync(hold.Id)).Reservation!;
            var expected = model.Revive(hold);
            var createdAt = reservation.ExpiresAt - TimeSpan.FromMinutes(hold.Minutes);
            var (outcome, pinned) = await engine.Confirmations.ReviveAsync(
                new(reservation, 0, createdAt), TimeSpan.FromMinutes(1));
            Assert.Equal(expected, outcome);
            if (expected == RestoreOutcome.Restored) hold.Pin = pinned!.Pins.Single().Number;
        }

        private async Task SetStockAsync(Step step)
        {
            var next = new Model.Sku(
                Total: step.Quantity * 3,
                Version: (model.Skus.GetValueOrDefault(Sku(step.Sku))?.Version ?? 0) + (step.Target % 4) - 1,
                Limit: step.Target >= 8 ? step.Quantity : null,
                Paused: step.Target == 0);
            var answer = await engine.Levels.SetStockAsync(
                new(Sku(step.Sku), next.Total, next.Version, next.Limit, next.Paused));
            Assert.Equal(model.SetStock(Sku(step.Sku), next), answer);
        }

        public async Task CompareAsync(Step step)
        {
            foreach (var (sku, expected) in model.Skus)
            {
                // A snapshot expires due holds. Only every third step takes one, so other steps meet due holds too.
                if (step.Target % 3 == 0)
                {
                    var found = await engine.Levels.SnapshotAsync(sku);
                    Assert.Equal(
                        (expected.Total, model.Reserved(sku), model.HoldsOf(sku),
                            expected.Version, expected.Limit, expected.Paused),
                        (found.Total, found.Reserved, found.Holds,
                            found.Version, found.MaxPerCustomer, found.Paused));
                }

                var reserved = (int)await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved");
                Assert.InRange(reserved, model.Reserved(sku), int.MaxValue);
            }

            if (Target(step) is not { } hold) return;
            var reservation = (await engine.Holds.FindAsync(hold.Id)).Reservation!;
            Assert.Equal(hold.Status, reservation.Status);
            Assert.Equal(
                hold.Lines.OrderBy(line => line.Key, StringComparer.Ordinal),
                reservation.Lines.Select(line => KeyValuePair.Create(line.Sku, line.Quantity)));
        }
    }
}
