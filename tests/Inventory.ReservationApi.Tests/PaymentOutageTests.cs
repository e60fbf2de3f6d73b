using Inventory.Settlement;
using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests;

/// <summary>A payment that was taken is never lost, whichever store is away.</summary>
public sealed class PaymentOutageTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Without_redis_a_payment_is_kept_and_settled_when_it_is_back()
    {
        var provider = new Provider(shop.Api);
        var (sku, _) = await shop.NewProductAsync(10);
        var (paid, poisoned) = (await shop.Api.HoldAsync(sku, 3), Guid.NewGuid());
        var settler = shop.Api.Get<PaymentSettler>();
        // Nothing is known of this one: it waits, and must not hold the other up.
        await provider.ApproveAsync(poisoned, "pay-0");
        await shop.Api.Redis.KillAsync();

        var kept = await provider.ApproveAsync(paid, "pay-1", "evt-kept");
        var unsettled = await settler.SettleAsync(CancellationToken.None);
        await shop.Api.Redis.RestartAsync();
        // Connected again, and opened as it is: its log has everything.
        await UntilAsync(async () =>
        {
            try
            {
                await shop.Api.Engine.LiftFenceAsync();
                return await settler.SettleAsync(CancellationToken.None) == 0;
            }
            catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException)
            {
                return false;
            }
        });

        var again = await provider.ApproveAsync(paid, "pay-1", "evt-kept");
        Assert.Equal((202, "accepted"), (kept.Status, kept.Json.GetProperty("outcome").GetString()));
        Assert.Equal(2, unsettled);
        Assert.Equal((200, "confirmed"), (again.Status, again.Json.GetProperty("outcome").GetString()));
        Assert.Equal((7, 7, 2), await shop.LevelsAsync(sku));
        Assert.Equal(ReservationStatus.Confirmed, (await shop.Api.Engine.FindAsync(paid)).Reservation!.Status);
    }

    [Fact]
    public async Task Without_postgresql_the_provider_is_told_to_come_again()
    {
        var provider = new Provider(shop.Api);
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 3);
        await shop.Postgres.KillAsync();

        var refused = await provider.ApproveAsync(id, "pay-1", "evt-1");
        await shop.Postgres.RestartAsync();
        Answer? taken = null;
        await UntilAsync(async () => (taken = await provider.ApproveAsync(id, "pay-1", "evt-1")).Status != 503);

        refused.AssertProblem(503, "orders-unavailable");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal((200, "confirmed"), (taken!.Status, taken.Json.GetProperty("outcome").GetString()));
    }

    private static async Task UntilAsync(Func<Task<bool>> happened)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await happened()) patience.Token.ThrowIfCancellationRequested();
    }
}
