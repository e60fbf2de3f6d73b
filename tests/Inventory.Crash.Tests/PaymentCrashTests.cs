using Inventory.Contracts;
using Inventory.Testing;
using static Inventory.Stock.ReservationStatus;

namespace Inventory.Crash.Tests;

/// <summary>
/// The API is killed between every two steps of a payment. The worker settles every stored payment, and the provider
/// doesn't have to repeat it.
/// </summary>
[Collection(nameof(Site))]
public sealed class PaymentCrashTests(Site site)
{
    [Theory]
    // step of the crash, fate of the step
    [InlineData(Step.Store, Fate.Late)]
    [InlineData(Step.Store, Fate.Unheard)]
    [InlineData(Step.Pin, Fate.Lost)]
    [InlineData(Step.Pin, Fate.Unheard)]
    [InlineData(Step.Decide, Fate.Unheard)]
    [InlineData(Step.Write, Fate.Lost)]
    [InlineData(Step.Commit, Fate.Lost)]
    [InlineData(Step.Commit, Fate.Late)]
    [InlineData(Step.Commit, Fate.Unheard)]
    [InlineData(Step.Tell, Fate.Lost)]
    public async Task A_stored_payment_becomes_one_order_without_another_call(Step step, Fate fate)
    {
        var sku = await site.SkuAsync(10);
        var id = await site.HoldAsync(new Line(sku, 3));

        await CrashAsync(id, step, fate);

        await Eventually.TrueAsync(async () =>
        {
            await site.UntilSettledAsync();
            return await site.StatusAsync(id) == Confirmed && await OutcomeAsync(id) is not null;
        }, site);
        Assert.Equal("confirmed", await OutcomeAsync(id));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal(200, await site.PayAsync(id, $"{id:N}"));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal(0, await site.ReadAsync<long>($"SELECT count(*) FROM outbox WHERE key LIKE '%{id}%'"));
    }

    [Fact]
    public async Task A_payment_that_was_not_stored_is_settled_when_its_provider_repeats_it()
    {
        var sku = await site.SkuAsync(10);
        var id = await site.HoldAsync(new Line(sku, 3));

        await CrashAsync(id, Step.Store, Fate.Lost);

        Assert.Equal(Pending, await site.StatusAsync(id));
        Assert.Equal((0, 3), await site.AssertAgreementAsync(sku, received: 10));
        Assert.Equal(200, await site.PayAsync(id, $"{id:N}"));
        Assert.Equal(Confirmed, await site.StatusAsync(id));
        Assert.Equal((3, 0), await site.AssertAgreementAsync(sku, received: 10));
    }

    private async Task CrashAsync(Guid id, Step step, Fate fate)
    {
        await site.ApiAsync();
        // The worker settles stored payments, and could do so before the API.
        site.FreezeWorker();
        var held = site.HoldNext(step, fate);
        var answer = site.PayAsync(id, $"{id:N}");
        Assert.Same(held.Reached, await Task.WhenAny(held.Reached, answer));
        await site.KillApiAsync();
        site.ThawWorker();
        if (fate == Fate.Late) await held.DeliverAsync();
        else held.Drop();
        Assert.Null(await answer);
    }

    private Task<string?> OutcomeAsync(Guid id) =>
        site.ReadAsync<string?>($"SELECT max(outcome) || repeat('!', count(*)::int - 1) FROM payment_events "
            + $"WHERE reservation_id = '{id}'");
}
