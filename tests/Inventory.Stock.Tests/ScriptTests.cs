using System.Text.RegularExpressions;
using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>The outcomes in the text of the scripts agree with the enums that read their replies.</summary>
public sealed partial class ScriptTests
{
    public static TheoryData<string, Type> Outcomes => new()
    {
        { "reserve", typeof(ReserveOutcome) },
        { "adjust", typeof(AdjustOutcome) },
        { "extend", typeof(ExtendOutcome) },
        { "release", typeof(ReleaseOutcome) },
        { "find", typeof(FindOutcome) },
        { "snapshot", typeof(SnapshotOutcome) },
        { "expire", typeof(ExpireOutcome) },
        { "set_stock", typeof(SetStockOutcome) },
        { "undo", typeof(UndoOutcome) },
        { "pin", typeof(PinOutcome) },
        { "unpin", typeof(UnpinOutcome) },
        { "commit", typeof(CommitOutcome) },
        { "cancel_order", typeof(CancelOrderOutcome) },
        { "restore_hold", typeof(RestoreOutcome) },
        { "verify_run", typeof(VerifyOutcome) },
        { "close_fence", typeof(CloseOutcome) },
        { "open_fence", typeof(OpenOutcome) },
        { "load_stock", typeof(LoadOutcome) },
        { "load_holds", typeof(LoadOutcome) },
        { "drop_holds", typeof(LoadOutcome) },
        { "load_units", typeof(LoadOutcome) },
        { "advance_stream", typeof(AdvanceOutcome) },
        { "beat", typeof(BeatOutcome) },
        { "audit_stock", typeof(AuditOutcome) },
        { "audit_holds", typeof(AuditOutcome) },
        { "audit_units", typeof(AuditOutcome) },
        { "audit_bought", typeof(AuditOutcome) },
        { "clear_sku", typeof(LoadOutcome) },
        { "fence_sku", typeof(FenceSkuOutcome) },
        { "drop_strays", typeof(StrayOutcome) },
    };

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_script_returns_exactly_the_outcomes_that_its_enum_names(string script, Type outcome)
    {
        var text = Script.Load(script);
        var own = text[text.IndexOf($"-- {script}:", StringComparison.Ordinal)..];
        var returned = Returned().Matches(own).Select(match => int.Parse(match.Groups[1].Value)).ToHashSet();
        // The shared part returns it for all scripts.
        if (own.Contains("replay()", StringComparison.Ordinal)) returned.Add(-7);

        Assert.Equal(Enum.GetValuesAsUnderlyingType(outcome).Cast<int>().Order(), returned.Order());
    }

    [Fact]
    public void Every_script_has_an_enum() =>
        Assert.Equal(Script.Names, Outcomes.Select(row => (string)row[0]).Order(StringComparer.Ordinal));

    [Fact]
    public void The_scripts_write_exactly_the_types_of_events_that_the_contract_names()
    {
        var written = Script.Names.SelectMany(name => Written().Matches(Script.Load(name)))
            .Select(match => match.Groups["type"].Value);

        Assert.Equal(
            EventTypes.OfReservations.Append(EventTypes.StockSet).Order(StringComparer.Ordinal),
            written.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_event_has_exactly_the_fields_that_the_contract_names()
    {
        string[] named =
        [
            EventFields.Type, EventFields.Reservation, EventFields.Sequence, EventFields.Holder,
            EventFields.DeadlineMs, EventFields.Lines, EventFields.Trace,
        ];
        var events = Script.Names.SelectMany(name => Event().Matches(Script.Load(name))).ToList();

        Assert.NotEmpty(events);
        Assert.All(events, one => Assert.Equal(
            named, Field().Matches(one.Value).Select(match => match.Groups[1].Value).Where(named.Contains)));
    }

    [GeneratedRegex(
        @"(?:append_event\(|(?:place|write)_hold\(id, hold, |end_hold\(.*'[fre]', |'type', )'(?<type>[a-z-]+)'")]
    private static partial Regex Written();

    [GeneratedRegex(@"'type', (?!'').*\n.*(?:\n.*'trace', trace)?")]
    private static partial Regex Event();

    [GeneratedRegex(@"'([a-z_-]+)'")]
    private static partial Regex Field();

    [GeneratedRegex(@"(?:reply|answer|affirm)\((-?\d+)")]
    private static partial Regex Returned();
}
