using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>While one SKU is closed for a repair, nothing of its holds changes and the other SKUs are sold.</summary>
public sealed class SkuFenceTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private HoldStore Holds => stock.Engine.Holds;

    private ConfirmationStore Confirmations => stock.Engine.Confirmations;

    private Maintenance Maintenance => stock.Engine.Maintenance;

    [Fact]
    public async Task A_hold_lacks_no_deadline_while_a_repair_of_its_sku_writes_the_deadlines_again()
    {
        var sku = await stock.SkuAsync(5);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        var closed = (await stock.Engine.Maintenance.CloseSkuAsync(sku))!;
        await stock.Engine.Maintenance.ClearSkuAsync(closed.Scope);

        var during = (await stock.Engine.Audit.AuditHoldsAsync(default, [held.Id]))!.Holds[0].Faults;
        await stock.Engine.Maintenance.ReopenSkuAsync(closed.Scope);
        var after = (await stock.Engine.Audit.AuditHoldsAsync(default, [held.Id]))!.Holds[0].Faults;

        Assert.Equal(("", "due"), (during, after));
    }

    [Fact]
    public async Task Every_operation_on_a_closed_sku_is_refused_before_its_first_write()
    {
        var (closed, open) = (await stock.SkuAsync(10), await stock.SkuAsync(10));
        var (one, both) = (await HoldAsync(new Line(closed, 1)), await HoldAsync(new Line(open, 1), new(closed, 1)));
        var (pinned, due) = (await HoldAsync(new Line(closed, 1)), await HoldAsync(new Line(closed, 1)));
        var revived = await HoldAsync(new Line(closed, 1));
        var pin = (await Confirmations.PinAsync(pinned.Id, Minute)).Pins[0];
        await Holds.ReleaseAsync(revived.Id, null);
        await stock.Database.KeyDeleteAsync(default(Partition).Ended(ReservationKey.Of(revived.Id)));
        await stock.MakeDueAsync(due);
        var before = await Confirmations.PrepareCancelAsync([closed]);
        await Maintenance.CloseSkuAsync(closed);
        var data = await DumpAsync();

        Func<Task>[] calls =
        [
            () => stock.ReserveAsync("new", new Line(closed, 1)),
            () => stock.ReserveAsync("new", new Line(open, 1), new Line(closed, 1)),
            () => Holds.AdjustAsync(Holder.Customer("new"), new(closed, 1), Minute, null),
            () => Holds.AdjustAsync(one.Holder, new(closed, 2), Minute, null),
            () => Holds.AdjustAsync(both.Holder, new(open, 2), Minute, null),
            () => Holds.ExtendAsync(one.Id, Minute, null),
            () => Holds.ExtendAsync(both.Id, Minute, null),
            () => Holds.ReleaseAsync(one.Id, null),
            () => Holds.ReleaseAsync(both.Id, null),
            () => Holds.FindAsync(due.Id),
            () => Confirmations.PinAsync(one.Id, Minute),
            () => Confirmations.PinAsync(both.Id, Minute),
            () => Confirmations.PinAsync(pinned.Id, Minute),
            () => Confirmations.UnpinAsync(pinned.Id, pin),
            () => Confirmations.CommitAsync(pinned.Id, [new(closed, 10, 1)]),
            () => Confirmations.CancelOrderAsync(before, one.Id, one.Holder, [new(closed, 1, 10, 1)]),
            () => Confirmations.ReviveAsync(new(revived, 1, revived.ExpiresAt), Minute),
            () => stock.Engine.Levels.SnapshotAsync(closed),
        ];
        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAsync<CorruptDataException>(call);
            Assert.Equal((closed, true), (failure.Sku, failure.IsBeingRepaired));
            Assert.Equal(data, await DumpAsync());
        }

        await Holds.ExpireAsync(100);
        Assert.Equal(data, await DumpAsync());
        Assert.Equal(FindOutcome.Active, (await Holds.FindAsync(one.Id)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(open, 9))).Outcome);
    }

    [Fact]
    public async Task Totals_and_limits_of_a_closed_sku_are_set()
    {
        var sku = await stock.SkuAsync(10);
        var held = await HoldAsync(new Line(sku, 2));
        var closed = await Maintenance.CloseSkuAsync(sku);

        Assert.Equal(SetStockOutcome.Applied, await stock.Engine.Levels.SetStockAsync(new(sku, 7, 2, 5, false)));

        Assert.Equal((true, "10", "2"), (closed!.MayReopen, closed.Total, closed.Reserved));
        Assert.Equal(FenceSkuOutcome.Opened, await Maintenance.ReopenSkuAsync(closed.Scope));
        Assert.Equal((7, 2, 5, 1), await stock.StockOf(sku));
        Assert.Equal(ReleaseOutcome.Released, (await Holds.ReleaseAsync(held.Id, null)).Outcome);
        Assert.DoesNotContain(sku, await Maintenance.ReadFencedSkusAsync(default));
    }

    [Fact]
    public async Task A_second_repair_takes_over_and_the_first_one_changes_nothing_more()
    {
        var sku = await stock.SkuAsync(10);
        await HoldAsync(new Line(sku, 2));
        var first = (await Maintenance.CloseSkuAsync(sku))!;
        var second = (await Maintenance.CloseSkuAsync(sku))!;
        var data = await DumpAsync();

        Func<Task>[] steps =
        [
            () => Maintenance.ClearSkuAsync(first.Scope),
            () => Maintenance.LoadHoldsAsync(first.Scope, []),
            () => Maintenance.DropHoldsAsync(first.Scope, []),
            () => Maintenance.LoadUnitsAsync(first.Scope, []),
            () => Maintenance.LoadStockAsync(first.Scope, []),
        ];
        foreach (var step in steps) await Assert.ThrowsAsync<SkuFenceLostException>(step);
        Assert.Equal(FenceSkuOutcome.Replaced, await Maintenance.ReopenSkuAsync(first.Scope));
        Assert.Equal(FenceSkuOutcome.Replaced, await Maintenance.RetireSkuAsync(first.Scope));

        Assert.Equal(data, await DumpAsync());
        // What the first repair has begun isn't opened as it was.
        Assert.False(second.MayReopen);
        Assert.Contains(sku, await Maintenance.ReadFencedSkusAsync(default));
        await Maintenance.LoadStockAsync(second.Scope, [new(new(sku, 10, 1, null, false), Reserved: null)]);
        Assert.Equal((10, 2, 8, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_repair_restores_all_lines_of_a_hold_in_one_step_and_counts_those_of_its_own_sku()
    {
        var (sku, other) = (await stock.SkuAsync(10), await stock.SkuAsync(10));
        var kept = await HoldAsync(new Line(sku, 1), new(other, 2));
        var lost = await HoldAsync(new Line(sku, 3), new(other, 4));
        var key = ReservationKey.Of(lost.Id);
        // As if the machine had lost the hold with everything that belongs to it.
        var reserved = await stock.Database.HashDecrementAsync(default(Partition).Stock(other), "reserved", 4);
        await stock.Database.HashDeleteAsync(default(Partition).HoldsOf(key), key);
        foreach (var line in lost.Lines)
        {
            await stock.Database.SortedSetRemoveAsync(default(Partition).DueOf(line.Sku), key);
        }

        var closed = (await Maintenance.CloseSkuAsync(sku))!;

        await Maintenance.ClearSkuAsync(closed.Scope);
        await Maintenance.LoadHoldsAsync(closed.Scope, [Record(kept), Record(lost)]);
        await Maintenance.LoadStockAsync(closed.Scope, [new(new(sku, 10, 1, null, false), Reserved: null)]);

        Assert.Equal(2, reserved);
        Assert.Equal(((10, 4, 6, 2), (10, 6, 4, 2)), (await stock.StockOf(sku), await stock.StockOf(other)));
        foreach (var hold in new[] { kept, lost })
        {
            Assert.Equal(hold.ExpiresAt, (await Holds.FindAsync(hold.Id)).Reservation!.ExpiresAt);
            Assert.Equal(ReleaseOutcome.Released, (await Holds.ReleaseAsync(hold.Id, null)).Outcome);
        }

        Assert.Equal(((10, 0, 10, 0), (10, 0, 10, 0)), (await stock.StockOf(sku), await stock.StockOf(other)));
    }

    [Fact]
    public async Task A_rebuild_of_the_partition_opens_no_sku_whose_repair_was_broken_off()
    {
        var sku = await stock.SkuAsync(10);
        await HoldAsync(new Line(sku, 2));
        var closed = (await Maintenance.CloseSkuAsync(sku))!;
        await Maintenance.ClearSkuAsync(closed.Scope);

        await Maintenance.LoadStockAsync(default(Partition), [new(new(sku, 10, 1, null, false), Reserved: 2)]);

        Assert.Contains(sku, await Maintenance.ReadFencedSkusAsync(default));
        await Assert.ThrowsAsync<CorruptDataException>(() => stock.ReserveAsync("other", new Line(sku, 1)));
    }

    [Theory]
    [InlineData(false, "key")]
    [InlineData(true, "key")]
    [InlineData(false, "reserved")]
    [InlineData(true, "reserved")]
    public async Task A_sku_whose_counters_are_lost_stays_closed_while_it_has_holds(bool isConfirming, string lost)
    {
        var sku = await stock.SkuAsync(10);
        var held = await HoldAsync(new Line(sku, 8));
        if (isConfirming) await stock.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));
        var key = default(Partition).Stock(sku);
        if (lost == "key") await stock.Database.KeyDeleteAsync(key);
        else await stock.Database.HashDeleteAsync(key, lost);

        await stock.Engine.Levels.SetStockAsync(new(sku, 11, 2, null, false));

        var failure = await Assert.ThrowsAsync<CorruptDataException>(
            () => stock.ReserveAsync("other", new Line(sku, 1)));
        Assert.True(failure.IsBeingRepaired);
        Assert.Contains(sku, await Maintenance.ReadFencedSkusAsync(default));
        var closed = (await Maintenance.CloseSkuAsync(sku))!;
        Assert.False(closed.MayReopen);
        await Maintenance.ClearSkuAsync(closed.Scope);
        await Maintenance.LoadHoldsAsync(closed.Scope, [Record(held)]);
        await Maintenance.LoadStockAsync(closed.Scope, [new(new(sku, 11, 2, null, false), Reserved: null)]);
        Assert.Equal(8, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_sku_that_lost_its_counter_is_closed_by_a_rebuild_that_does_not_count_holds()
    {
        var (sku, other) = (await stock.SkuAsync(10), await stock.SkuAsync(10));
        await HoldAsync(new Line(sku, 8));
        foreach (var one in new[] { sku, other }) await stock.Database.KeyDeleteAsync(default(Partition).Stock(one));

        await Maintenance.LoadStockAsync(
            default(Partition),
            [new(new(sku, 10, 1, null, false), null), new(new(other, 10, 1, null, false), null)]);

        Assert.Contains(sku, await Maintenance.ReadFencedSkusAsync(default));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(other, 10))).Outcome);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_of_the_total_never_opens_a_lost_sku_that_is_being_repaired(bool isCleared)
    {
        var sku = await stock.SkuAsync(10);
        var held = await HoldAsync(new Line(sku, 8));
        var key = default(Partition).Stock(sku);
        await stock.Database.KeyDeleteAsync(key);
        var closed = (await Maintenance.CloseSkuAsync(sku))!;
        if (isCleared)
        {
            await Maintenance.ClearSkuAsync(closed.Scope);
            await Maintenance.LoadHoldsAsync(closed.Scope, [Record(held)]);
        }

        await stock.Engine.Levels.SetStockAsync(new(sku, 10, 1, null, false));

        if (isCleared)
        {
            await Maintenance.LoadStockAsync(closed.Scope, [new(new(sku, 10, 1, null, false), Reserved: null)]);
            Assert.Equal((10, 8, 2, 1), await stock.StockOf(sku));
        }
        else
        {
            // It is opened as it was, so its counter is missing, and the audit repairs it.
            await Maintenance.ReopenSkuAsync(closed.Scope);
            await Assert.ThrowsAsync<CorruptDataException>(() => stock.ReserveAsync("other", new Line(sku, 1)));
        }
    }

    [Fact]
    public async Task A_new_sku_whose_name_is_a_number_is_open_while_another_hold_is_confirming()
    {
        var other = await HoldAsync(new Line(await stock.SkuAsync(10), 3));
        await stock.Engine.Confirmations.PinAsync(other.Id, TimeSpan.FromMinutes(1));

        foreach (var name in new[] { "1", "3" })
        {
            await stock.Engine.Levels.SetStockAsync(new(name, 5, 1, null, false));
            Assert.Equal((5, 0, 5, 0), await stock.StockOf(name));
        }
    }

    [Fact]
    public async Task A_dropped_hold_that_follows_anew_returns_no_units_of_other_skus()
    {
        var (sku, other) = (await stock.SkuAsync(10), await stock.SkuAsync(10));
        var held = await HoldAsync(new Line(sku, 2));
        var kept = await HoldAsync(new Line(other, 4));
        var key = ReservationKey.Of(held.Id);
        var holds = default(Partition).HoldsOf(key);
        var text = ((string)(await stock.Database.HashGetAsync(holds, key))!)
            .Replace(sku, other, StringComparison.Ordinal);
        await stock.Database.HashSetAsync(holds, key, text);
        var closed = (await Maintenance.CloseSkuAsync(sku))!;

        await Maintenance.DropHoldsAsync(closed.Scope, [new(held.Id, 1, HoldEnd.NotEnded)]);
        await Maintenance.ClearSkuAsync(closed.Scope);
        await Maintenance.LoadHoldsAsync(closed.Scope, [Record(held)]);
        await Maintenance.LoadStockAsync(closed.Scope, [new(new(sku, 10, 1, null, false), Reserved: null)]);

        Assert.Equal((2, 4), ((await stock.StockOf(sku)).Reserved, (await stock.StockOf(other)).Reserved));
        Assert.Equal(ReleaseOutcome.Released, (await Holds.ReleaseAsync(kept.Id, null)).Outcome);
    }

    [Fact]
    public async Task A_hold_that_ends_while_its_sku_is_unknown_leaves_no_units_behind()
    {
        var sku = await stock.SkuAsync(10);
        var held = await HoldAsync(new Line(sku, 8));
        await stock.Database.KeyDeleteAsync(default(Partition).Stock(sku));
        await Holds.ReleaseAsync(held.Id, null);

        await stock.Engine.Levels.SetStockAsync(new(sku, 10, 1, null, false));

        Assert.Equal((10, 0, 10, 0), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_sku_cannot_be_closed_while_its_partition_is_fenced()
    {
        var shop = new EngineFixture();
        await shop.InitializeAsync();
        try
        {
            var maintenance = shop.Engine.Maintenance;
            var closed = (await maintenance.CloseSkuAsync(await shop.SkuAsync(10)))!;

            await maintenance.CloseFenceAsync(default, "a rebuild");

            await Assert.ThrowsAsync<SkuFenceLostException>(() => maintenance.ClearSkuAsync(closed.Scope));
            Assert.Null(await maintenance.CloseSkuAsync(closed.Scope.Sku!));
        }
        finally
        {
            await shop.DisposeAsync();
        }
    }

    private async Task<Reservation> HoldAsync(params Line[] lines) =>
        (await stock.ReserveAsync($"holder-{Guid.NewGuid():N}", lines)).Reservation!;

    private static HoldRecord Record(Reservation hold) => new(hold, 1, hold.ExpiresAt.AddMinutes(-10));

    private async Task<List<string>> DumpAsync()
    {
        var dump = new List<string>();
        await foreach (var key in stock.Redis.GetServers()[0].KeysAsync())
        {
            dump.Add($"{key} {Convert.ToHexString((await stock.Database.KeyDumpAsync(key))!)}");
        }

        dump.Sort(StringComparer.Ordinal);
        return dump;
    }
}
