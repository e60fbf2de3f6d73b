using Inventory.Stock;
using Inventory.Testing;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>Due holds expire only when no payment of an outage is left.</summary>
public sealed class ExpiryHeartbeatTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task An_untried_payment_keeps_due_holds_from_expiring()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(3);
        var held = (await worker.ReserveAsync(sku, "a", 3)).Reservation!;
        await Eventually.TrueAsync(() => worker.Heartbeat.BeatAsync(CancellationToken.None));
        // Another instance has claimed the payment and died.
        await stores.ExecuteAsync(
            $$"""
            INSERT INTO payment_events
                (event_id, type, reservation_id, payment_id, occurred_at, body, next_attempt_at)
            VALUES ('evt-1', 'payment.approved', '{{held.Id}}', 'pay-1', now(), '{}', now() + interval '1 hour')
            """);

        Assert.False(await worker.Heartbeat.BeatAsync(CancellationToken.None));

        // The claim ends, and the worker settles the payment.
        await stores.ExecuteAsync("UPDATE payment_events SET next_attempt_at = now()");
        await Eventually.TrueAsync(() => worker.Heartbeat.BeatAsync(CancellationToken.None));
        Assert.Equal("confirmed", await stores.ReadAsync<string>("SELECT outcome FROM payment_events"));
        Assert.Equal(
            ReservationStatus.Confirmed, (await worker.Engine.Holds.FindAsync(held.Id)).Reservation!.Status);
    }
}
