using Inventory.Faults.History;
using Inventory.Faults.Laws;

namespace Inventory.Faults.Tests;

/// <summary>The checker compares clients' answers with events and finds answers that were not true.</summary>
public sealed class AnswerCheckTests
{
    private readonly Guid id = Guid.NewGuid();
    private readonly Guid other = Guid.NewGuid();

    [Fact]
    public void A_customer_with_more_than_the_limit()
    {
        var tale = new Timeline { Limit = 0 };
        tale.Do(id, Act.Reserve);

        CheckerTests.AssertFound(Law.WithinLimits, tale.End());
    }

    [Fact]
    public void A_refusal_that_names_the_hold_of_another_customer()
    {
        var tale = new Timeline();
        tale.Do(other, Act.Reserve);
        tale.Call(id, Act.Reserve, Heard.Refused);
        tale.Say(told => told with { Problem = "active-reservation-exists", Named = other });

        CheckerTests.AssertFound(Law.OwnHoldIsNamed, tale.End());
    }

    [Fact]
    public void An_acknowledged_hold_that_does_not_exist()
    {
        var tale = new Timeline();
        tale.Call(id, Act.Reserve);

        CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Theory]
    // Time up to which events were stored, relative to the call; whether the loss is allowed.
    [InlineData(-100, true)]
    [InlineData(+100, false)]
    public void A_hold_lost_in_a_wipe_after_its_event_was_stored(long stored, bool admitted)
    {
        var tale = new Timeline();
        tale.Call(id, Act.Reserve);
        tale.Wipes.Add(new(tale.NowMs + stored, tale.NowMs + 200, tale.NowMs + 300));

        if (admitted) Assert.Empty(Checker.Check(tale.End()));
        else CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Fact]
    public void An_acknowledged_confirm_without_an_order_despite_a_wipe()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Confirm);
        tale.Wipes.Add(new(0, tale.NowMs, tale.NowMs + 300));

        CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Fact]
    public void A_refusal_for_lack_of_stock_with_enough_stock()
    {
        var tale = new Timeline();
        tale.Call(id, Act.Reserve, Heard.Refused);
        tale.Say(told => told with
        {
            Problem = "insufficient-stock",
            Available = new Dictionary<string, int> { [Timeline.Sku] = 1 },
        });

        CheckerTests.AssertFound(Law.Truthful, tale.End());
    }

    [Theory]
    // Whether the answer replays one from before the reservation existed.
    [InlineData(true)]
    [InlineData(false)]
    public void A_not_found_answer_for_an_existing_reservation(bool isReplayed)
    {
        var tale = new Timeline();
        var first = tale.Call(id, Act.Extend, Heard.Refused);
        tale.Say(told => told with { Status = 404, Problem = "reservation-not-found" });
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Extend, Heard.Refused);
        tale.Say(told => told with
        {
            Status = 404,
            Problem = "reservation-not-found",
            Key = first.Key,
            Replayed = isReplayed,
        });

        if (isReplayed) Assert.Empty(Checker.Check(tale.End()));
        else CheckerTests.AssertFound(Law.Truthful, tale.End());
    }

    [Fact]
    public void An_answer_of_500_to_a_restock()
    {
        var tale = new Timeline();
        tale.Call(Guid.Empty, Act.Restock, Heard.Unknown);
        tale.Say(told => told with { Status = 500 });

        CheckerTests.AssertFound(Law.ClearAnswers, tale.End());
    }

    [Fact]
    public void A_pending_answer_for_a_released_reservation()
    {
        var tale = new Timeline();
        tale.Do(id, Act.Reserve);
        tale.Do(id, Act.Release);
        tale.Call(id, Act.Look);
        tale.Say(told => told with { State = "pending" });

        CheckerTests.AssertFound(Law.Truthful, tale.End());
    }
}
