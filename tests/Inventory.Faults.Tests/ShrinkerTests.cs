using Inventory.Faults.History;
using Inventory.Faults.Laws;

namespace Inventory.Faults.Tests;

/// <summary>The shrinker reduces a history of thousands of calls to the few that a violation needs.</summary>
public sealed class ShrinkerTests
{
    private readonly Guid id = Guid.NewGuid();

    [Fact]
    public void The_shortest_history_has_only_the_calls_that_break_the_law()
    {
        var tale = new Timeline();
        for (var i = 0; i < 5; i++) tale.Do(Guid.NewGuid(), Act.Reserve);
        tale.Do(id, Act.Reserve);
        tale.Call(id, Act.Look);
        tale.Say(told => told with { State = "pending", DeadlineMs = tale.NowMs + 59_000 });
        tale.Do(id, Act.Extend);
        tale.Call(id, Act.Release);
        var evidence = tale.End();
        var violation = Assert.Single(Checker.Check(evidence));

        var shortest = Shrinker.Shrink(evidence, violation);

        Assert.Equal(Law.Kept, violation.Law);
        Assert.Equal([Act.Release], shortest.Operations.Select(each => each.Act));
        Assert.Contains("Release", Shrinker.Tell(evidence, violation), StringComparison.Ordinal);
    }

    [Fact]
    public void The_shortest_history_keeps_other_reservations_that_the_violation_needs()
    {
        var (evidence, violation) = Refused(units: 10, held: 5, left: 8);

        var shortest = Shrinker.Shrink(evidence, violation);

        // After three events 7 of 10 units are left, so an answer that says 8 is wrong.
        Assert.Equal(3, shortest.Facts.Events.Count);
        Assert.Equal(3, shortest.Facts.Rows.Count);
        Assert.Equal([Act.Reserve], shortest.Operations.Select(each => each.Act));
        Assert.Contains("event 1 reserved", Shrinker.Tell(evidence, violation), StringComparison.Ordinal);
    }

    [Fact]
    public void A_history_that_stays_long_is_shown_with_only_the_reservations_own_entries()
    {
        var (evidence, violation) = Refused(units: 110, held: 60, left: 51);

        var told = Shrinker.Tell(evidence, violation);

        Assert.DoesNotContain("event 1 reserved", told, StringComparison.Ordinal);
        Assert.Contains("insufficient-stock", told, StringComparison.Ordinal);
        Assert.Contains("and 60 calls, events and orders of others", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_violation_found_by_the_audit_keeps_the_reservations_events()
    {
        var tale = new Timeline();
        for (var i = 0; i < 5; i++) tale.Do(Guid.NewGuid(), Act.Reserve);
        tale.Do(id, Act.Reserve);
        var evidence = tale.End(facts => facts with { Complaints = [new("MissingHold", "MissingHold", id)] });
        var violation = Assert.Single(Checker.Check(evidence));

        Assert.Empty(Shrinker.Shrink(evidence, violation).Operations);
        Assert.Single(Shrinker.Shrink(evidence, violation).Facts.Events);
    }

    /// <summary>Holds are made, and one more call is refused with a wrong number of units left.</summary>
    private (Evidence Evidence, Violation Violation) Refused(int units, int held, int left)
    {
        var tale = new Timeline();
        for (var i = 0; i < held; i++) tale.Do(Guid.NewGuid(), Act.Reserve);
        tale.Call(id, Act.Reserve, Heard.Refused);
        tale.Say(told => told with
        {
            Lines = [new(Timeline.Sku, 1_000)],
            Problem = "insufficient-stock",
            Available = new Dictionary<string, int> { [Timeline.Sku] = left },
        });
        var evidence = tale.End(facts => facts with { Stock = [facts.Stock[0] with { Initial = units }] });
        return (evidence, Checker.Check(evidence).Single(each => each.Law == Law.Truthful));
    }
}
