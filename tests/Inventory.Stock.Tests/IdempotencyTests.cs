using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

public sealed class IdempotencyTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static Idempotency Key(string key, string body = "body", string caller = "caller") =>
        Idempotency.Create(caller, key, System.Text.Encoding.UTF8.GetBytes(body));

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static string Fresh() => Guid.NewGuid().ToString();

    [Fact]
    public async Task A_key_has_one_effect_and_one_answer_whatever_happens_in_between()
    {
        var sku = await stock.SkuAsync(10);
        var key = Key(Fresh());
        var request = EngineFixture.Request("me", new Line(sku, 2)) with { Idempotency = key };
        var first = await stock.Engine.Holds.ReserveAsync(request);
        await stock.Engine.Holds.ReleaseAsync(first.Reservation!.Id, null);

        var again = await stock.Engine.Holds.ReserveAsync(request with { Id = Guid.NewGuid() });

        Assert.True(again.Replayed);
        Assert.Equal(first.Reservation.Id, again.Reservation!.Id);
        Assert.Equal((first.Outcome, first.DecidedAt), (again.Outcome, again.DecidedAt));
        Assert.Equal(first.Available, again.Available);
        Assert.Equal(0, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_refusal_is_not_remembered_so_a_retry_finds_the_stock_that_came()
    {
        var sku = await stock.SkuAsync(1);
        var request = EngineFixture.Request("me", new Line(sku, 2)) with { Idempotency = Key(Fresh()) };
        var refused = await stock.Engine.Holds.ReserveAsync(request);
        await stock.Engine.Levels.SetStockAsync(new(sku, 10, 2, null, false));

        var again = await stock.Engine.Holds.ReserveAsync(request);

        Assert.Equal(ReserveOutcome.Insufficient, refused.Outcome);
        Assert.Equal((ReserveOutcome.Held, false), (again.Outcome, again.Replayed));
    }

    [Fact]
    public async Task A_retry_of_a_call_that_found_all_as_it_should_be_undoes_no_newer_call()
    {
        var sku = await stock.SkuAsync(10);
        var (cart, holds) = (Holder.Cart(Fresh()), stock.Engine.Holds);
        var (same, released) = (Key(Fresh()), Key(Fresh()));
        await holds.AdjustAsync(cart, new(sku, 2), Minute, null);
        await holds.AdjustAsync(cart, new(sku, 2), Minute, same);
        await holds.AdjustAsync(cart, new(sku, 5), Minute, null);
        var retried = await holds.AdjustAsync(cart, new(sku, 2), Minute, same);
        var id = (await holds.FindAsync(cart, sku)).Reservation!.Id;
        await holds.ReleaseAsync(id, null);
        await holds.ReleaseAsync(id, released);

        var left = await stock.Database.KeyTimeToLiveAsync(default(Partition).Answer(same));

        Assert.Equal((AdjustOutcome.AlreadyHeld, true), (retried.Outcome, retried.Replayed));
        Assert.Equal((ReleaseOutcome.AlreadyReleased, true), (
            (await holds.ReleaseAsync(id, released)).Outcome, (await holds.ReleaseAsync(id, released)).Replayed));
        Assert.InRange(left!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task Refusals_leave_nothing_behind()
    {
        var sku = await stock.SkuAsync(10, limit: 2);
        var (cart, unknown) = (Holder.Cart(Fresh()), Holder.Cart(Fresh()));
        var holds = stock.Engine.Holds;
        var held = (await holds.AdjustAsync(cart, new(sku, 2), Minute, null)).Reservation!;
        var ended = (await stock.ReserveAsync("me", new Line(sku, 1))).Reservation!;
        await holds.ReleaseAsync(ended.Id, null);
        var keys = await KeysAsync();

        AdjustOutcome[] adjusted =
        [
            (await holds.AdjustAsync(cart, new(sku, 3), Minute, Key(Fresh()))).Outcome,
            (await holds.AdjustAsync(cart, new("unheard-of", 1), Minute, Key(Fresh()))).Outcome,
        ];
        ExtendOutcome[] extended =
        [
            (await holds.ExtendAsync(unknown, sku, Minute, Key(Fresh()))).Outcome,
            (await holds.ExtendAsync(ended.Id, Minute, Key(Fresh()))).Outcome,
        ];
        ReleaseOutcome[] released =
        [
            (await holds.ReleaseAsync(unknown, sku, Key(Fresh()))).Outcome,
        ];
        var repeated = await holds.ReserveAsync(EngineFixture.Request("me", new Line(sku, 1)) with
        {
            Id = ended.Id,
            Idempotency = Key(Fresh()),
        });

        Assert.Equal([AdjustOutcome.LimitExceeded, AdjustOutcome.UnknownSku], adjusted);
        Assert.Equal([ExtendOutcome.NotFound, ExtendOutcome.Ended], extended);
        Assert.Equal([ReleaseOutcome.NotFound], released);
        Assert.Equal(ReserveOutcome.Ended, repeated.Outcome);
        Assert.Equal(held.Id, (await holds.FindAsync(cart, sku)).Reservation!.Id);
        Assert.Equal(keys, await KeysAsync());
    }

    [Fact]
    public async Task A_key_with_another_body_is_refused_and_another_callers_key_is_another_key()
    {
        var sku = await stock.SkuAsync(10);
        var key = Fresh();
        var request = EngineFixture.Request("me", new Line(sku, 1)) with { OnExisting = OnExisting.Allow };
        await stock.Engine.Holds.ReserveAsync(request with { Idempotency = Key(key) });

        var other = await stock.Engine.Holds.ReserveAsync(
            request with { Id = Guid.NewGuid(), Idempotency = Key(key, body: "another") });
        var stranger = await stock.Engine.Holds.ReserveAsync(
            request with { Id = Guid.NewGuid(), Idempotency = Key(key, caller: "another") });

        Assert.Equal(ReserveOutcome.KeyReused, other.Outcome);
        Assert.Equal((ReserveOutcome.Held, false), (stranger.Outcome, stranger.Replayed));
        Assert.Equal(2, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_key_used_by_fifty_callers_at_once_holds_once()
    {
        var sku = await stock.SkuAsync(100);
        var key = Key(Fresh());

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new Line(sku, 1)) with { Idempotency = key })));

        Assert.Single(answers.Select(answer => answer.Reservation!.Id).Distinct());
        Assert.Single(answers, answer => !answer.Replayed);
        Assert.Equal(1, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task Adjust_extend_and_release_repeat_their_answers()
    {
        var sku = await stock.SkuAsync(10);
        var holder = Holder.Cart(Fresh());
        var (adjustKey, extendKey, releaseKey) = (Key(Fresh()), Key(Fresh()), Key(Fresh()));

        var adjusted = await stock.Engine.Holds.AdjustAsync(holder, new(sku, 2), TimeSpan.FromMinutes(1), adjustKey);
        var extended = await stock.Engine.Holds.ExtendAsync(holder, sku, TimeSpan.FromMinutes(1), extendKey);
        await stock.Engine.Holds.ExtendAsync(holder, sku, TimeSpan.FromMinutes(1), extendKey);
        var released = await stock.Engine.Holds.ReleaseAsync(holder, sku, releaseKey);
        var extendedAgain = await stock.Engine.Holds.ExtendAsync(holder, sku, TimeSpan.FromMinutes(1), extendKey);
        var releasedAgain = await stock.Engine.Holds.ReleaseAsync(holder, sku, releaseKey);
        var adjustedAgain = await stock.Engine.Holds.AdjustAsync(
            holder, new(sku, 2), TimeSpan.FromMinutes(1), adjustKey);

        Assert.Equal(adjusted.Reservation!.ExpiresAt + TimeSpan.FromMinutes(1), extended.Reservation!.ExpiresAt);
        Assert.Equal((true, ExtendOutcome.Extended), (extendedAgain.Replayed, extendedAgain.Outcome));
        Assert.Equal(extended.Reservation.ExpiresAt, extendedAgain.Reservation!.ExpiresAt);
        Assert.Equal((true, ReleaseOutcome.Released), (releasedAgain.Replayed, releasedAgain.Outcome));
        Assert.Equal(released.Reservation!.Id, releasedAgain.Reservation!.Id);
        Assert.Equal((true, AdjustOutcome.Held), (adjustedAgain.Replayed, adjustedAgain.Outcome));
        Assert.Equal((10, 0, 10, 0), await stock.StockOf(sku));
    }

    [Fact]
    public async Task Answers_are_kept_for_the_retention_and_not_for_ever()
    {
        var sku = await stock.SkuAsync(10);
        var key = Key(Fresh());

        await stock.Engine.Holds.ReserveAsync(EngineFixture.Request("me", new Line(sku, 1)) with { Idempotency = key });

        var left = await stock.Database.KeyTimeToLiveAsync(default(Partition).Answer(key));
        Assert.InRange(left!.Value, TimeSpan.FromHours(23.9), TimeSpan.FromHours(24));
    }

    [Fact]
    public async Task Scripts_that_redis_has_flushed_are_loaded_again()
    {
        var sku = await stock.SkuAsync(10);
        await stock.ReserveAsync("me", new Line(sku, 1));

        foreach (var server in stock.Redis.GetServers()) await server.ScriptFlushAsync();

        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        Assert.Equal(2, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task While_the_epoch_is_missing_every_script_but_set_stock_refuses()
    {
        var sku = await stock.SkuAsync(10);
        var held = await stock.ReserveAsync("me", new Line(sku, 1));
        var engine = stock.Engine;
        var epoch = await stock.Database.StringGetDeleteAsync(default(Partition).Epoch);
        try
        {
            Assert.True(await engine.Maintenance.IsFencedAsync());
            Assert.Equal(ReserveOutcome.Fenced, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
            Assert.Equal(
                AdjustOutcome.Fenced,
                (await engine.Holds.AdjustAsync(Holder.Cart("c"), new(sku, 1), TimeSpan.FromMinutes(1), null)).Outcome);
            Assert.Equal(
                ExtendOutcome.Fenced,
                (await engine.Holds.ExtendAsync(held.Reservation!.Id, TimeSpan.FromMinutes(1), null)).Outcome);
            Assert.Equal(ReleaseOutcome.Fenced, (await engine.Holds.ReleaseAsync(held.Reservation.Id, null)).Outcome);
            Assert.Equal(FindOutcome.Fenced, (await engine.Holds.FindAsync(held.Reservation.Id)).Outcome);
            Assert.Equal(SnapshotOutcome.Fenced, (await engine.Levels.SnapshotAsync(sku)).Outcome);
            Assert.Equal(ExpireOutcome.Fenced, (await engine.Holds.ExpireAsync(10)).Outcome);
            Assert.Equal(SetStockOutcome.Applied, await engine.Levels.SetStockAsync(new(sku, 20, 2, null, false)));
            Assert.True(await engine.Maintenance.LiftFenceAsync());
            Assert.Equal((20, 1, 19, 1), await stock.StockOf(sku));
        }
        finally
        {
            await stock.Database.StringSetAsync(default(Partition).Epoch, epoch);
        }
    }

    private async Task<int> KeysAsync() => (int)await stock.Database.ExecuteAsync("DBSIZE");
}
