using Inventory.ReconciliationWorker.Audit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>How long an audit rests between pages, measured with a test clock.</summary>
public sealed class AuditPaceTests
{
    private static readonly AuditRun Whole = new(1, "", Requested: false, DryRun: false, Repairs: true);

    [Theory]
    //          share  items  page, ms   rest, ms
    [InlineData(0.1, 500, 5, 100)]
    [InlineData(0.1, 20, 2, 18)]
    [InlineData(0.1, 500, 200, 1_800)]
    [InlineData(0.1, 0, 200, 1_800)]
    [InlineData(0.01, 500, 20, 1_980)]
    [InlineData(0.5, 500, 200, 200)]
    [InlineData(1, 500, 200, 100)]
    [InlineData(1, 0, 200, 0)]
    [InlineData(0.1, 500, 60_000, 10_000)]
    public async Task A_rest_depends_on_the_items_and_the_time_worked(double share, int items, int page, int rest)
    {
        var clock = new MovedClock();
        var session = Session(clock, share);
        session.Begin();
        clock.Pass(page);

        await session.RestAsync(Whole, items, CancellationToken.None);

        Assert.Equal(page + rest, clock.Passed);
    }

    [Fact]
    public async Task Rests_and_waits_are_not_work_and_a_requested_run_rests_only_for_its_items()
    {
        var clock = new MovedClock();
        var session = Session(clock, 0.1);
        clock.Pass(5_000);
        session.Begin();
        for (var i = 0; i < 3; i++)
        {
            clock.Pass(10);
            await session.WaitAsync(CancellationToken.None);
            await session.RestAsync(Whole, 5, CancellationToken.None);
        }

        Assert.Equal(5_000 + (3 * (10 + 250 + 90)), clock.Passed);
        clock.Pass(1_000);
        await session.RestAsync(Whole with { Requested = true }, 5, CancellationToken.None);
        Assert.Equal(5_000 + (3 * (10 + 250 + 90)) + 1_000 + 1, clock.Passed);
    }

    [Fact]
    public async Task A_run_between_two_pages_does_not_count_as_work_of_the_outer_run()
    {
        var clock = new MovedClock();
        var session = Session(clock, 0.1);
        session.Begin();
        clock.Pass(10);
        session.BetweenPages = (_, _) =>
        {
            clock.Pass(3_000);
            return Task.CompletedTask;
        };

        await session.RestAsync(Whole, 5, CancellationToken.None);

        Assert.Equal(10 + 3_000 + 90, clock.Passed);
    }

    [Fact]
    public void A_sku_with_very_many_holds_is_summed_twice_a_minute_and_in_requested_runs()
    {
        var clock = new MovedClock();
        var large = new OnlineHoldCounter(null!, null!, null!, Session(clock, 0.1));

        Assert.True(large.IsDue(Whole, "sku"));
        clock.Pass(29_999);
        Assert.False(large.IsDue(Whole, "sku"));
        Assert.True(large.IsDue(Whole, "other"));
        clock.Pass(1);
        Assert.True(large.IsDue(Whole, "sku"));
        Assert.True(large.IsDue(Whole with { Requested = true }, "sku"));
        Assert.False(large.IsDue(Whole, "sku"));
    }

    // Resting uses no book, ledger or metrics.
    private static AuditSession Session(TimeProvider clock, double share) => new(
        null!, null!, null!, Options.Create(new AuditOptions { Share = share }), clock,
        NullLogger<AuditSession>.Instance);

    /// <summary>Time that the test moves, and that every wait of the audit moves by its own length.</summary>
    private sealed class MovedClock : FakeTimeProvider
    {
        /// <summary>Milliseconds since the test began.</summary>
        public double Passed => (GetUtcNow() - Start).TotalMilliseconds;

        public void Pass(long milliseconds) => Advance(TimeSpan.FromMilliseconds(milliseconds));

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Advance(dueTime);
            return timer;
        }
    }
}
