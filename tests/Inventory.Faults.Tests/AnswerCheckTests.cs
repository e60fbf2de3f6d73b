using Inventory.Faults.History;
using Inventory.Faults.Laws;

namespace Inventory.Faults.Tests;

/// <summary>The checker holds what clients heard against what happened, and finds what was not so.</summary>
public sealed class AnswerCheckTests
{
    private readonly Guid id = Guid.NewGuid();
    private readonly Guid other = Guid.NewGuid();

    [Fact]
    public void A_customer_with_more_than_the_limit()
    {
        var tale = new Tale { Limit = 0 };
        tale.Do(id, Act.Reserve);

        CheckerTests.AssertFound(Law.WithinLimits, tale.End());
    }

    [Fact]
    public void A_refusal_that_names_another_s_hold()
    {
        var tale = new Tale();
        tale.Do(other, Act.Reserve);
        tale.Call(id, Act.Reserve, Heard.Refused);
        tale.Say(told => told with { Problem = "active-reservation-exists", Named = other });

        CheckerTests.AssertFound(Law.OwnHoldIsNamed, tale.End());
    }

    [Fact]
    public void An_acknowledged_hold_that_is_nowhere()
    {
        var tale = new Tale();
        tale.Call(id, Act.Reserve);

        CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Theory]
    // what was stored when Redis was wiped, and whether it is the loss that is admitted
    [InlineData(-100, true)]
    [InlineData(+100, false)]
    public void A_hold_that_a_wipe_took_along_unless_it_had_been_stored(long stored, bool admitted)
    {
        var tale = new Tale();
        tale.Call(id, Act.Reserve);
        tale.Wipes.Add(new(tale.NowMs + stored, tale.NowMs + 200, tale.NowMs + 300));

        if (admitted) Assert.Empty(Checker.Check(tale.End()));
        else CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Fact]
    public void A_confirm_that_was_acknowledged_and_is_no_order_whatever_was_wiped()
    {
        var tale = new Tale();
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Confirm);
        tale.Wipes.Add(new(0, tale.NowMs, tale.NowMs + 300));

        CheckerTests.AssertFound(Law.Kept, tale.End());
    }

    [Fact]
    public void A_refusal_for_lack_of_stock_that_there_was()
    {
        var tale = new Tale();
        tale.Call(id, Act.Reserve, Heard.Refused);
        tale.Say(told => told with
        {
            Problem = "insufficient-stock",
            Available = new Dictionary<string, int> { [Tale.Sku] = 1 },
        });

        CheckerTests.AssertFound(Law.Truthful, tale.End());
    }

    [Theory]
    // Whether it repeats what was answered before there was anything to find.
    [InlineData(true)]
    [InlineData(false)]
    public void Not_finding_what_is_there(bool isReplayed)
    {
        var tale = new Tale();
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
    public void A_bug_that_somebody_meets_who_receives_goods()
    {
        var tale = new Tale();
        tale.Call(Guid.Empty, Act.Restock, Heard.Unknown);
        tale.Say(told => told with { Status = 500 });

        CheckerTests.AssertFound(Law.ClearAnswers, tale.End());
    }

    [Fact]
    public void A_reading_of_what_was_over()
    {
        var tale = new Tale();
        tale.Do(id, Act.Reserve);
        tale.Do(id, Act.Release);
        tale.Call(id, Act.Look);
        tale.Say(told => told with { State = "pending" });

        CheckerTests.AssertFound(Law.Truthful, tale.End());
    }
}
