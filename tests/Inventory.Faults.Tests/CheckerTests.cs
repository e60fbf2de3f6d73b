using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Faults.Laws;
using Inventory.Stock;

namespace Inventory.Faults.Tests;

/// <summary>The checker finds each broken law in a constructed history, and none in a correct one.</summary>
public sealed class CheckerTests
{
    private readonly Guid id = Guid.NewGuid();
    private readonly Guid other = Guid.NewGuid();

    [Fact]
    public void A_correct_history_has_no_violations()
    {
        var tale = new Timeline { Limit = 1 };
        var (extended, released, expired, revived, refunded, paid) =
            (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        tale.Do(extended, Act.Reserve);
        tale.Do(extended, Act.Extend);
        tale.Call(extended, Act.Confirm);
        tale.Order(extended);
        tale.Do(released, Act.Reserve);
        tale.Do(released, Act.Release);
        foreach (var late in new[] { expired, revived, refunded })
        {
            tale.Do(late, Act.Reserve);
            tale.Expire(late);
        }

        tale.Pay(revived, "revived");
        tale.Pay(refunded, "refund-required");
        tale.Do(paid, Act.Reserve);
        tale.Pay(paid, "confirmed");
        tale.Call(Guid.Empty, Act.Restock);
        tale.Movements.Add(new(Timeline.Sku, 5, "received", tale.Operations[^1].Key!, tale.NowMs));
        tale.Do(id, Act.Reserve);
        tale.Call(other, Act.Reserve, Heard.Unknown);

        Assert.Empty(Checker.Check(tale.End()));
    }

    [Fact]
    public void An_unanswered_call_may_take_effect_at_any_later_time()
    {
        var tale = new Timeline();
        tale.Call(id, Act.Reserve, Heard.Unknown);
        tale.Call(other, Act.Reserve, Heard.Unknown);
        tale.Event(id, "reserved");

        Assert.Empty(Checker.Check(tale.End()));
    }

    [Fact]
    public void Available_below_0()
    {
        var tale = new Timeline();
        for (var i = 0; i < 11; i++) tale.Do(Guid.NewGuid(), Act.Reserve);

        AssertFound(Law.NeverNegative, tale.End());
    }

    [Fact]
    public void A_counter_that_is_not_the_sum_of_holds()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);

        AssertFound(Law.ReservedIsTheSumOfHolds, tale.End(facts => facts with
        {
            Stock = [facts.Stock[0] with { Reserved = 0 }],
        }));
    }

    [Fact]
    public void A_reservation_that_is_held_in_part()
    {
        var tale = new Timeline();
        tale.Call(id, Act.Reserve);
        tale.Event(id, "reserved", lines: [new(Timeline.Sku, 1), new("another", 1)]);

        AssertFound(Law.Whole, tale.End());
    }

    [Fact]
    public void An_order_of_other_lines_than_were_held()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Confirm);
        tale.Order(id);

        AssertFound(Law.Whole, tale.End(facts => facts with
        {
            Orders = [facts.Orders[0] with { Lines = [new Line(Timeline.Sku, 2)] }],
        }));
    }

    [Fact]
    public void A_reservation_with_a_release_and_an_order()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Do(id, Act.Release);
        tale.Call(id, Act.Confirm);
        tale.Order(id);

        AssertFound(Law.EndsOnce, tale.End());
    }

    [Fact]
    public void An_order_of_a_reservation_with_only_a_release_event()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Confirm);
        tale.Order(id);
        tale.Forget(id, 2);
        tale.Do(id, Act.Release);

        AssertFound(Law.EndsOnce, tale.End());
    }

    [Fact]
    public void A_total_that_orders_and_movements_do_not_explain()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);

        AssertFound(Law.NeverOversold, tale.End(facts => facts with
        {
            Stock = [facts.Stock[0] with { Total = 9, RedisTotal = 9 }],
        }));
    }

    [Fact]
    public void A_hold_that_ends_early()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Call(other, Act.Reserve, Heard.Unknown);
        tale.Event(id, "expired");

        AssertFound(Law.NeverEarly, tale.End());
    }

    [Fact]
    public void An_extension_of_an_expired_hold()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Expire(id);
        tale.Do(id, Act.Extend);

        AssertFound(Law.NeverResurrected, tale.End());
    }

    [Fact]
    public void One_key_that_extends_twice()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Do(id, Act.Extend);
        tale.Event(id, "extended", tale.NowMs + 120_000);

        AssertFound(Law.OneKeyOneEffect, tale.End());
    }

    [Fact]
    public void One_key_with_two_answers()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Operations.Add(tale.Operations[0] with { Body = """{"other":1}""", Replayed = true });

        AssertFound(Law.OneKeyOneEffect, tale.End());
    }

    [Fact]
    public void A_release_without_a_call()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Event(id, "released");

        AssertFound(Law.NothingByItself, tale.End());
    }

    [Fact]
    public void A_payment_with_an_order_and_a_refund()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Pay(id, "confirmed");
        tale.Refunds.Add(new(id, $"pay-{id}", "hold-expired"));

        AssertFound(Law.PaymentEndsOnce, tale.End());
    }

    [Fact]
    public void A_payment_without_an_order_or_a_refund()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Pay(id, "refund-required");
        tale.Refunds.Clear();

        AssertFound(Law.PaymentEndsOnce, tale.End());
    }

    [Fact]
    public void An_event_that_was_not_stored()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Do(id, Act.Extend);
        tale.Do(id, Act.Release);
        tale.Forget(id, 2);

        AssertFound(Law.Gapless, tale.End());
    }

    [Fact]
    public void A_hold_that_is_missing_in_Redis()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);

        AssertFound(Law.StoresAgree, tale.End(facts => facts with { Holds = [] }));
    }

    internal static void AssertFound(Law law, Evidence evidence) =>
        Assert.Contains(law, Checker.Check(evidence).Select(found => found.Law));
}
