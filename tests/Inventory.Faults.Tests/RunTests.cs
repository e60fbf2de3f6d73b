using Inventory.Faults.History;
using Inventory.Faults.Laws;
using Inventory.Faults.Running;

namespace Inventory.Faults.Tests;

/// <summary>Short runs of the fault harness; <c>eng/faults.sh</c> makes long ones.</summary>
public sealed class RunTests
{
    [Fact]
    public async Task A_run_with_faults_breaks_no_law()
    {
        var finding = await FaultRun.CarryOutAsync(
            new() { Seed = 20261121, Length = TimeSpan.FromSeconds(25) }, CancellationToken.None);

        Assert.True(finding.Violations.Count == 0, Report.Verdict(finding));
        Assert.NotEmpty(finding.Evidence.Faults);
        Assert.NotEmpty(finding.Evidence.Facts.Orders);
    }

    [Fact]
    public async Task Every_seeded_bug_is_found()
    {
        using var bug = KnownBugs.Make([.. KnownBugs.Names]);

        var finding = await FaultRun.CarryOutAsync(
            new()
            {
                Seed = 1,
                Length = TimeSpan.FromSeconds(5),
                IsEnough = calls => Acknowledged(calls, Act.Release).Count() >= 10
                    && Acknowledged(calls, Act.Extend).Count() >= 20
                    && Acknowledged(calls, Act.Release).Intersect(Acknowledged(calls, Act.Confirm)).Any(),
                IsCalm = true,
                Bug = bug,
                Patience = TimeSpan.FromSeconds(5),
            },
            CancellationToken.None);

        var broken = finding.Violations.Select(violation => violation.Law).ToHashSet();
        Assert.Contains(Law.ReservedIsTheSumOfHolds, broken);
        Assert.Contains(Law.EndsOnce, broken);
        Assert.Contains(Law.Gapless, broken);
    }

    private static IEnumerable<Guid> Acknowledged(IReadOnlyList<Operation> calls, Act act) =>
        calls.Where(call => call.Act == act && call.Heard == Heard.Done).Select(call => call.Reservation).Distinct();
}
