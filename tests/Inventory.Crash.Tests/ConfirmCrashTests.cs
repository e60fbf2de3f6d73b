using Inventory.Contracts;
using Inventory.Stock;
using Inventory.Testing;
using static Inventory.Stock.ReservationStatus;

namespace Inventory.Crash.Tests;

/// <summary>
/// The API is killed with SIGKILL between every two steps of a confirm. The confirm is completed or undone once, and
/// both stores agree.
/// </summary>
[Collection(nameof(Site))]
public sealed class ConfirmCrashTests(Site site)
{
    [Theory]
    // step of the crash, fate of the step, state at the crash, state afterwards
    [InlineData(Step.Pin, Fate.Lost, Pending, Pending)]
    [InlineData(Step.Pin, Fate.Late, Confirming, Pending)]
    [InlineData(Step.Pin, Fate.Unheard, Confirming, Pending)]
    [InlineData(Step.Decide, Fate.Lost, Confirming, Pending)]
    [InlineData(Step.Decide, Fate.Late, Confirming, Pending)]
    [InlineData(Step.Decide, Fate.Unheard, Confirming, Pending)]
    [InlineData(Step.Write, Fate.Lost, Confirming, Pending)]
    [InlineData(Step.Write, Fate.Late, Confirming, Pending)]
    [InlineData(Step.Write, Fate.Unheard, Confirming, Pending)]
    [InlineData(Step.Commit, Fate.Lost, Confirming, Pending)]
    [InlineData(Step.Commit, Fate.Late, Confirming, Confirmed)]
    [InlineData(Step.Commit, Fate.Unheard, Confirming, Confirmed)]
    [InlineData(Step.Tell, Fate.Lost, Confirming, Confirmed)]
    [InlineData(Step.Tell, Fate.Late, Confirmed, Confirmed)]
    [InlineData(Step.Tell, Fate.Unheard, Confirmed, Confirmed)]
    public async Task A_confirm_that_crashes_between_two_steps_is_completed_or_undone(
        Step step, Fate fate, ReservationStatus atTheCrash, ReservationStatus afterwards)
    {
        var (sku, other) = (await site.SkuAsync(10), await site.SkuAsync(10));
        var id = await site.HoldAsync(new(sku, 3), new(other, 1));

        await CrashAsync(id, step, fate);

        Assert.Equal(atTheCrash, await site.StatusAsync(id));
        await site.UntilSettledAsync();
        Assert.Equal(afterwards, await site.StatusAsync(id));
        Assert.Equal(afterwards == Confirmed ? (3, 0) : (0, 3), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal(afterwards == Confirmed ? (1, 0) : (0, 1), await site.AssertAgreementAsync(other, received: 10));
        // The caller got no answer and asks again.
        Assert.Equal(204, await site.ConfirmAsync(id));
        Assert.Equal(Confirmed, await site.StatusAsync(id));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal((1, 0), await site.AssertAgreementAsync(other, received: 10));
    }

    [Theory]
    [InlineData(Fate.Lost, Confirming)]
    [InlineData(Fate.Late, Pending)]
    [InlineData(Fate.Unheard, Pending)]
    public async Task A_refused_confirm_that_dies_at_its_unpin_keeps_the_hold(Fate fate, ReservationStatus atTheCrash)
    {
        var sku = await site.SkuAsync(10);
        var id = await site.HoldAsync(new Line(sku, 3));
        await site.ExecuteAsync($"UPDATE inventory SET total = 2 WHERE sku_id = '{sku}'");

        await CrashAsync(id, Step.Unpin, fate);

        Assert.Equal(atTheCrash, await site.StatusAsync(id));
        await site.UntilSettledAsync();
        Assert.Equal(Pending, await site.StatusAsync(id));
        Assert.Equal((0, 3), await site.AssertAgreementAsync(sku, received: 2));
        await site.ExecuteAsync($"UPDATE inventory SET total = 10 WHERE sku_id = '{sku}'");
        Assert.Equal(204, await site.ConfirmAsync(id));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
    }

    [Fact]
    public async Task A_hold_expires_when_its_deadline_passes_after_its_confirm_crashed()
    {
        var sku = await site.SkuAsync(10);
        var id = await site.HoldAsync(new Line(sku, 3));
        await CrashAsync(id, Step.Write, Fate.Late);
        await site.EndDeadlineAsync(id);

        Assert.Equal(Confirming, await site.StatusAsync(id));
        await site.UntilSettledAsync();
        await Eventually.TrueAsync(async () => await site.StatusAsync(id) == Expired, site);

        Assert.Equal((0, 0), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal(409, await site.ConfirmAsync(id));
        Assert.Equal((0, 0), await site.AssertAgreementAsync(sku, received: 10));
    }

    [Fact]
    public async Task A_transaction_that_commits_after_lease_and_deadline_still_becomes_the_order()
    {
        var sku = await site.SkuAsync(10);
        var id = await site.HoldAsync(new Line(sku, 3));
        var commit = site.HoldNext(Step.Commit, Fate.Late);
        var answer = site.ConfirmAsync(id);
        await commit.Reached;
        await site.KillApiAsync();
        await site.EndDeadlineAsync(id);

        var settled = site.UntilSettledAsync();
        await Eventually.TrueAsync(() => site.ReadAsync<bool>(
            """
            SELECT count(*) > 0 FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO pin_decisions%abandoned%'
            """), site);
        await site.Engine.Holds.ExpireAsync(1_000);
        Assert.Equal(Confirming, await site.StatusAsync(id));
        await commit.DeliverAsync();
        await settled;

        Assert.Null(await answer);
        Assert.Equal(Confirmed, await site.StatusAsync(id));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
    }

    /// <summary>Confirms, and kills the API at a step.</summary>
    private async Task CrashAsync(Guid id, Step step, Fate fate)
    {
        await site.ApiAsync();
        var held = site.HoldNext(step, fate);
        var answer = site.ConfirmAsync(id);
        Assert.Same(held.Reached, await Task.WhenAny(held.Reached, answer));
        await site.KillApiAsync();
        if (fate == Fate.Late) await held.DeliverAsync();
        else held.Drop();
        Assert.Null(await answer);
    }
}
