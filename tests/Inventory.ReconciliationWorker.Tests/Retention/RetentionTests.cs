using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.ReconciliationWorker.Tests.Retention;

/// <summary>Rows go after their time, and only if nothing can need them.</summary>
public sealed class RetentionTests(Stores stores) : IClassFixture<Stores>
{
    private const string Recently = "now() - interval '80 days'";

    [Theory]
    [InlineData("expired")]
    [InlineData("released")]
    [InlineData("confirmed")]
    public async Task An_ended_reservation_goes_with_its_events(string status)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var old = await stores.ReservationAsync(status);
        var young = await stores.ReservationAsync(status, Recently);

        await worker.PruneAsync();

        Assert.Equal((0, 0), await stores.LeftAsync(old));
        Assert.Equal((1, 2), await stores.LeftAsync(young));
        Assert.Equal([1d, 2d], worker.Measured("inventory.retention.deleted").Where(rows => rows > 0));
        Assert.Contains(worker.Measured("inventory.retention.oldest"), age => age is > 79 * 86_400 and < 81 * 86_400);
    }

    [Theory]
    [InlineData(Need.IsPending)]
    [InlineData(Need.HasPendingPart)]
    [InlineData(Need.HasYoungPart)]
    [InlineData(Need.HasUnsettledPayment)]
    [InlineData(Need.HasOpenDeadLetter)]
    public async Task A_reservation_that_may_be_needed_stays_whole(Need need)
    {
        await using var worker = await Worker.StartCapturingAsync(stores, ("Audit:AutomaticRepair", "false"));
        var id = await stores.ReservationAsync(need == Need.IsPending ? "pending" : "expired");
        if (need == Need.HasPendingPart) await stores.ReservationAsync("pending", id: id, partition: 1);
        if (need == Need.HasYoungPart) await stores.ReservationAsync("expired", Recently, id, partition: 1);
        if (need == Need.HasUnsettledPayment) await stores.PaymentAsync(id, "pay", outcome: null);
        if (need == Need.HasOpenDeadLetter) await stores.DeadLetterAsync(ReservationKey.Of(id), "NULL");
        var before = await stores.LeftAsync(id);

        await worker.PruneAsync();
        var after = await stores.LeftAsync(id);
        await stores.ExecuteAsync(
            $"""
            UPDATE reservations SET status = 'expired', updated_at = {OldRowsScene.LongAgo};
            UPDATE payment_events SET outcome = 'noted', processed_at = now();
            UPDATE dead_letters SET resolved_at = now()
            """);
        await worker.PruneAsync();

        Assert.Equal(before, after);
        Assert.Equal((0, 0), await stores.LeftAsync(id));
    }

    [Fact]
    public async Task A_refunded_payment_of_a_reservation_with_an_order_stays_with_the_order()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var (sku, id) = (await stores.SkuAsync(10), Guid.NewGuid());
        await stores.OrderAsync(id, sku, 1, "u:payer");
        await stores.PaymentAsync(id, "second", "refund-required");

        await worker.PruneAsync();

        Assert.Equal(1L, await stores.ReadAsync<long>(
            $"SELECT count(*) FROM payment_events WHERE reservation_id = '{id}'"));
    }

    [Theory]
    //          outcome            settled                                         stays
    [InlineData("noted", OldRowsScene.LongAgo, false, "payment.failed")]
    [InlineData("noted", OldRowsScene.LongAgo, true, "payment.refunded")]
    [InlineData("noted", OldRowsScene.LongAgo, true, "charge.dispute.created")]
    [InlineData("refund-required", OldRowsScene.LongAgo, false)]
    [InlineData("refund-required", "now() - interval '399 days'", true)]
    [InlineData("confirmed", OldRowsScene.LongAgo, true)]
    [InlineData("revived", OldRowsScene.LongAgo, true)]
    [InlineData(null, OldRowsScene.LongAgo, true)]
    public async Task A_payment_event_goes_if_it_bought_nothing(
        string? outcome, string at, bool stays, string type = "payment.approved")
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var id = Guid.NewGuid();
        await stores.PaymentAsync(id, "pay", outcome, at, type);

        await worker.PruneAsync();

        Assert.Equal(
            stays ? 1L : 0,
            await stores.ReadAsync<long>($"SELECT count(*) FROM payment_events WHERE reservation_id = '{id}'"));
    }

    [Theory]
    //          kind                      sent                                      stays
    [InlineData("payment_event_conflict", OldRowsScene.LongAgo, false)]
    [InlineData("payment_event_conflict", "NULL", true)]
    [InlineData("refund_required", OldRowsScene.LongAgo, true)]
    public async Task A_message_goes_after_it_was_sent_and_a_refund_never(string kind, string sent, bool stays)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var key = $"{kind}:{Guid.NewGuid()}";
        await stores.ExecuteAsync(
            $$"""
            INSERT INTO outbox (kind, key, payload, created_at, sent_at)
            VALUES ('{{kind}}', '{{key}}', '{}', {{OldRowsScene.LongAgo}}, {{sent}})
            """);

        await worker.PruneAsync();

        Assert.Equal(stays ? 1L : 0, await stores.ReadAsync<long>($"SELECT count(*) FROM outbox WHERE key = '{key}'"));
    }

    [Theory]
    [InlineData(OldRowsScene.LongAgo, false)]
    [InlineData(Recently, true)]
    [InlineData("NULL", true)]
    public async Task A_dead_letter_goes_after_it_was_resolved(string resolved, bool stays)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var key = ReservationKey.Of(Guid.NewGuid());
        await stores.DeadLetterAsync(key, resolved);

        await worker.PruneAsync();

        Assert.Equal(
            stays ? 1L : 0,
            await stores.ReadAsync<long>(
                $"SELECT count(*) FROM dead_letters WHERE payload ->> 'reservation' = '{key}'"));
    }

    [Fact]
    public async Task A_pass_goes_on_over_many_batches_and_days()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, ("Retention:Share", "1"));
        await stores.ExecuteAsync(
            """
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            SELECT gen_random_uuid(), 0, 'u:many', 'expired', now(), '[{"sku":"many","quantity":1}]', 1, now(), at
            FROM generate_series(1, 2500), unnest(ARRAY[
                now() - interval '300 days', now() - interval '300 days 1 second', now() - interval '299 days']) AS at
            """);
        var needed = await stores.ReadAsync<Guid>(
            "SELECT reservation_id FROM reservations WHERE holder = 'u:many' LIMIT 1");
        await stores.PaymentAsync(needed, "pay", outcome: null);

        await worker.PruneAsync();

        Assert.Equal([needed], await stores.ReadAsync<Guid[]>(
            "SELECT array_agg(reservation_id) FROM reservations WHERE holder = 'u:many'"));
        Assert.Equal(7_499, worker.Measured("inventory.retention.deleted").Sum());
    }

    [Fact]
    public async Task A_pass_skips_no_row_of_many_that_ended_together()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, ("Retention:Share", "1"));
        await stores.ExecuteAsync(
            $$"""
            INSERT INTO dead_letters (partition, stream_id, payload, error, attempts, first_at, last_at, resolved_at)
            SELECT 7, gen_random_uuid(), '{}', 'none', 1, {{OldRowsScene.LongAgo}}, {{OldRowsScene.LongAgo}},
                {{OldRowsScene.LongAgo}}
            FROM generate_series(1, 2500)
            """);

        await worker.PruneAsync();

        Assert.Equal(0L, await stores.ReadAsync<long>("SELECT count(*) FROM dead_letters WHERE partition = 7"));
    }

    [Fact]
    public async Task One_instance_deletes_at_a_time()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        await using var source = NpgsqlDataSource.Create(stores.Postgres.ConnectionString);
        Guid id;
        await using (var other = await source.OpenConnectionAsync())
        {
            await using var take = new NpgsqlCommand(
                "SELECT pg_advisory_lock(hashtextextended('inventory-retention', 0))", other);
            await take.ExecuteNonQueryAsync();
            id = await stores.ReservationAsync("expired");

            Assert.False(await worker.Pruner.PassAsync(CancellationToken.None));
            Assert.Equal((1, 2), await stores.LeftAsync(id));
            // The other instance reports the ages.
            var measured = worker.Measured("inventory.retention.oldest").Count;
            Assert.Equal(measured, worker.Measured("inventory.retention.oldest").Count);
        }

        await source.DisposeAsync();
        await worker.PruneAsync();
        Assert.Equal((0, 0), await stores.LeftAsync(id));
    }

    [Theory]
    [InlineData("Retention:Reservations", "30.00:00:00", "Reservations")]
    [InlineData("Retention:Payments", "30.00:00:00", "Payments")]
    [InlineData("Retention:DeadLetters", "00:00:00", "DeadLetters")]
    [InlineData("Retention:Share", "0", "Share")]
    [InlineData("Retention:Orders", "90.00:00:00", "Orders")]
    public void The_worker_refuses_to_start(string key, string value, string named)
    {
        var failure = Assert.ThrowsAny<Exception>(() => Worker.Start(stores, (key, value)));

        Assert.True(failure is OptionsValidationException or InvalidOperationException, failure.ToString());
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Why a reservation is still needed.</summary>
    public enum Need
    {
        IsPending,
        HasPendingPart,
        HasYoungPart,
        HasUnsettledPayment,
        HasOpenDeadLetter,
    }
}
