using System.Diagnostics;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>Confirms that share a script call: pins before the order is written, commits after it.</summary>
public sealed class ConfirmTogetherTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Each_pin_of_a_batch_gets_the_answer_of_a_single_call()
    {
        var sku = await stock.SkuAsync(10);
        var (one, other, corrupt) = (await HoldAsync(sku), await HoldAsync(sku), await HoldAsync(sku));
        var (released, due, pinned) = (await HoldAsync(sku), await HoldAsync(sku), await HoldAsync(sku));
        await CorruptAsync(corrupt);
        await stock.Engine.Holds.ReleaseAsync(released.Id, null);
        await stock.MakeDueAsync(due);
        await stock.Engine.Confirmations.PinAsync(pinned.Id, Lease);
        var before = await Together.CallsAsync(stock);

        var calls = await PinAsync(
            [one.Id, Guid.NewGuid(), corrupt.Id, released.Id, due.Id, pinned.Id, other.Id, one.Id]);

        Assert.Equal(before + 2, await Together.CallsAsync(stock));
        var failure = await Assert.ThrowsAsync<CorruptDataException>(() => calls[2]);
        Assert.Equal("- a hold reads \"corrupt\"", failure.Message);
        var answers = await Task.WhenAll(calls.Where((_, i) => i != 2));
        Assert.Equal(
            [
                (PinOutcome.Pinned, one.Id, ReservationStatus.Confirming), (PinOutcome.NotFound, null, null),
                (PinOutcome.Ended, released.Id, ReservationStatus.Released),
                (PinOutcome.Ended, due.Id, ReservationStatus.Expired),
                (PinOutcome.AlreadyPinned, pinned.Id, ReservationStatus.Confirming),
                (PinOutcome.Pinned, other.Id, ReservationStatus.Confirming),
                (PinOutcome.AlreadyPinned, one.Id, ReservationStatus.Confirming),
            ],
            answers.Select(answer => (answer.Outcome, answer.Reservation?.Id, answer.Reservation?.Status)));
        Assert.Equal(answers[0].Pins, answers[6].Pins);
        Assert.Equal(one.ExpiresAt, answers[0].Reservation!.ExpiresAt);
        // Of the six, one was released and one has expired.
        Assert.Equal("4", await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved"));
        foreach (var hold in new[] { one, other, pinned })
        {
            Assert.NotNull(await stock.Database.SortedSetScoreAsync(default(Partition).Leases, Key(hold)));
            Assert.Null(await stock.Database.SortedSetScoreAsync(default(Partition).DueOf(sku), Key(hold)));
        }
    }

    [Fact]
    public async Task Each_commit_of_a_batch_gets_the_answer_of_a_single_call()
    {
        var (sku, bad) = (await stock.SkuAsync(10), await stock.SkuAsync(10));
        var (one, other, corrupt) = (await HoldAsync(sku), await HoldAsync(sku), await HoldAsync(sku));
        var (released, committed, unreadable) = (await HoldAsync(sku), await HoldAsync(sku), await HoldAsync(bad));
        await CorruptAsync(corrupt);
        await stock.Engine.Holds.ReleaseAsync(released.Id, null);
        await stock.Engine.Confirmations.CommitAsync(committed.Id, [new(sku, 9, 2)]);
        await stock.Database.HashSetAsync(default(Partition).Stock(bad), "reserved", "1.5");
        var before = await Together.CallsAsync(stock);

        var calls = await CommitAsync(
        [
            (one.Id, new(sku, 7, 4)), (Guid.NewGuid(), new(sku, 6, 5)), (corrupt.Id, new(sku, 8, 3)),
            (released.Id, new(sku, 8, 3)), (committed.Id, new(sku, 9, 2)), (unreadable.Id, new(bad, 9, 2)),
            (other.Id, new(sku, 7, 4)), (one.Id, new(sku, 7, 4)),
        ]);

        Assert.Equal(before + 2, await Together.CallsAsync(stock));
        Assert.Equal(
            "- a hold reads \"corrupt\"",
            (await Assert.ThrowsAsync<CorruptDataException>(() => calls[2])).Message);
        Assert.Equal(
            $"{bad} reserved is \"1.5\"",
            (await Assert.ThrowsAsync<CorruptDataException>(() => calls[5])).Message);
        Assert.Equal(
            [
                CommitOutcome.Committed, CommitOutcome.NotFound, CommitOutcome.Ended, CommitOutcome.AlreadyCommitted,
                CommitOutcome.Committed, CommitOutcome.AlreadyCommitted,
            ],
            await Task.WhenAll(calls.Where((_, i) => i is not (2 or 5))));
        // The newest total and version; reserved are the units of the hold that can't be read.
        Assert.Equal(
            ["6", "5", "1"],
            await stock.Database.HashGetAsync(default(Partition).Stock(sku), ["total", "version", "reserved"]));
    }

    [Fact]
    public async Task Units_committed_in_one_batch_count_towards_the_limit_of_their_buyer()
    {
        var sku = await stock.SkuAsync(10, limit: 3);
        var (one, other) = (await HoldAsync(sku, "buyer"), await HoldAsync(sku, "buyer"));

        await Task.WhenAll(await CommitAsync([(one.Id, new(sku, 8, 2)), (other.Id, new(sku, 8, 2))]));

        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("buyer", new Line(sku, 1))).Outcome);
        var refused = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("buyer", new Line(sku, 1)) with { OnExisting = OnExisting.Allow });
        Assert.Equal((ReserveOutcome.LimitExceeded, 3, 3), (refused.Outcome, refused.Limit, refused.Units));
    }

    [Fact]
    public async Task The_number_of_requests_in_a_script_call_is_bounded()
    {
        var sku = await stock.SkuAsync(100);
        var holds = new List<Reservation>();
        for (var i = 0; i < 65; i++) holds.Add(await HoldAsync(sku));
        var skus = new List<SkuTotal>();
        for (var i = 0; i < 200; i++) skus.Add(new(await stock.SkuAsync(1), 1, 1));
        // These calls load the scripts.
        await stock.Engine.Confirmations.PinAsync(Guid.NewGuid(), Lease);
        await stock.Engine.Confirmations.CommitAsync(Guid.NewGuid(), skus);
        var before = await Together.CallsAsync(stock);

        var pins = await Task.WhenAll(await PinAsync(holds.Select(hold => hold.Id)));
        var afterPins = await Together.CallsAsync(stock);
        await Together.StartAsync(
            stock,
            () => stock.Engine.Confirmations.CommitAsync(Guid.NewGuid(), skus),
            holds.Take(2),
            hold => stock.Engine.Confirmations.CommitAsync(hold.Id, skus));

        Assert.All(pins, pin => Assert.Equal(PinOutcome.Pinned, pin.Outcome));
        Assert.Equal(before + 1 + 2, afterPins);
        Assert.Equal(afterPins + 1 + 2, await Together.CallsAsync(stock));
    }

    [Fact]
    public async Task Each_request_of_a_batch_keeps_its_trace()
    {
        var sku = await stock.SkuAsync(10);
        var (due, committed, other) = (await HoldAsync(sku), await HoldAsync(sku), await HoldAsync(sku));
        await stock.MakeDueAsync(due);
        var (expiring, buying) = ("", "");

        await PinAsync([other.Id, due.Id], i => expiring = i == 1 ? Begin() : Begin("other"));
        await CommitAsync(
            [(other.Id, new(sku, 9, 2)), (committed.Id, new(sku, 9, 2))],
            i => buying = i == 1 ? Begin() : Begin("other"));
        Activity.Current = null;

        var events = await stock.Database.StreamRangeAsync(default(Partition).Events);
        Assert.Equal(expiring, TraceOf(due, "expired"));
        Assert.Equal(buying, TraceOf(committed, "confirmed"));

        string TraceOf(Reservation hold, string type) =>
            events.Single(e => e["reservation"] == Key(hold) && e["type"] == type)["trace"]!;
    }

    private static string Begin(string name = "test") =>
        new Activity(name) { ActivityTraceFlags = ActivityTraceFlags.Recorded }
            .SetIdFormat(ActivityIdFormat.W3C).Start().Id!;

    private static RedisValue Key(Reservation hold) => ReservationKey.Of(hold.Id);

    private async Task<Reservation> HoldAsync(string sku, string? holder = null) =>
        (await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request(holder ?? $"user-{Guid.NewGuid()}", new Line(sku, 1)) with
            {
                OnExisting = OnExisting.Allow,
            })).Reservation!;

    private Task<bool> CorruptAsync(Reservation hold) => stock.Database.HashSetAsync(
        default(Partition).HoldsOf(ReservationKey.Of(hold.Id)), Key(hold), "corrupt");

    private Task<Task<PinAnswer>[]> PinAsync(IEnumerable<Guid> ids, Action<int>? before = null) =>
        Together.StartAsync(
            stock, () => stock.Engine.Confirmations.PinAsync(Guid.NewGuid(), Lease), ids.Index(), request =>
        {
            before?.Invoke(request.Index);
            return stock.Engine.Confirmations.PinAsync(request.Item, Lease);
        });

    private Task<Task<CommitOutcome>[]> CommitAsync(
        IEnumerable<(Guid Id, SkuTotal Total)> orders, Action<int>? before = null) =>
        Together.StartAsync(
            stock,
            () => stock.Engine.Confirmations.CommitAsync(Guid.NewGuid(), [new("not-on-sale", 1, 1)]),
            orders.Index(),
            request =>
            {
                before?.Invoke(request.Index);
                return stock.Engine.Confirmations.CommitAsync(request.Item.Id, [request.Item.Total]);
            });
}
