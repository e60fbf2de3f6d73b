using System.Text.Json;
using Inventory.Contracts;
using Inventory.Storage;
using Inventory.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

[Collection(OneServer.Name)]
public sealed class ConfirmationTests(LedgerDatabases databases)
{
    private readonly Confirmations confirmations = new(databases.Shared);

    [Fact]
    public async Task Concurrent_confirms_of_one_sku_share_transactions()
    {
        var sku = await databases.StockAsync(1_500);

        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => ConfirmAsync(Request((sku, 1)))));

        Assert.All(answers, answer => Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome));
        Assert.Equal(1_000, answers.Select(answer => answer.Order!.Id).Distinct().Count());
        var (total, version) = await databases.Shared.LevelAsync(sku);
        var transactions = await databases.Shared.ReadAsync<long>(
            $"""
            SELECT count(DISTINCT orders.xmin::text)
            FROM orders JOIN order_items ON order_id = id WHERE sku_id = '{sku}'
            """);
        Assert.Equal((500, 1 + transactions), (total, version));
        Assert.InRange(transactions, 1, 30);
        Assert.Equal(
            new SkuTotal(sku, total, version), answers.SelectMany(one => one.Totals).MaxBy(one => one.Version));
        // Each movement starts from the total of the one before.
        Assert.Equal(
            1_000,
            await databases.Shared.ReadAsync<long>(
                $"""
                SELECT count(*) FROM (
                    SELECT total_after - quantity = lag(total_after, 1, 1500) OVER (ORDER BY id) AS follows
                    FROM inventory_movements WHERE sku_id = '{sku}') AS one
                WHERE follows
                """));
    }

    [Fact]
    public async Task Concurrent_confirms_of_one_reservation_make_one_order_and_one_answer()
    {
        var sku = await databases.StockAsync(10);
        var elsewhere = new Confirmations(databases.Shared);
        var request = Request((sku, 3)) with { PaymentId = "pay-1" };

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            (i % 2 == 0 ? confirmations : elsewhere).ConfirmAsync(request, CancellationToken.None)));
        var muchLater = await ConfirmAsync(request with { Pins = [new(0, 7)] });

        Assert.Single(answers, answer => answer.Outcome == ConfirmOutcome.Confirmed);
        Assert.Single(answers.Append(muchLater).Select(answer => JsonSerializer.Serialize(answer.Order)).Distinct());
        Assert.All(answers.Append(muchLater), answer => Assert.Equal([new(sku, 7, 2)], answer.Totals));
        Assert.Equal((7, 2), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task Lines_of_one_sku_become_one_item_and_the_order_has_holder_and_payment()
    {
        var (one, other) = (await databases.StockAsync(5), await databases.StockAsync(5));
        var request = Request((other, 1), (one, 2), (other, 3)) with { Holder = "c:cart-1", PaymentId = "pay-2" };

        var order = (await ConfirmAsync(request)).Order!;

        Assert.Equal(
            (request.ReservationId, "c:cart-1", "cart-1", OrderStatus.Confirmed, "pay-2"),
            (order.ReservationId, order.Holder, order.CustomerId, order.Status, order.PaymentId));
        Assert.Equal(
            new[] { (one, 2), (other, 4) }.Order(),
            order.Items.Select(item => (item.SkuId, item.Quantity)));
        await using var context = LedgerDatabases.Open(databases.Shared);
        var stored = (await context.Orders.FindAsync(order.Id))!;
        await context.Entry(stored).Collection(row => row.Items).LoadAsync();
        stored.Items.Sort((left, right) => string.CompareOrdinal(left.SkuId, right.SkuId));
        Assert.Equal(JsonSerializer.Serialize(order), JsonSerializer.Serialize(stored));
    }

    [Fact]
    public async Task A_batch_member_without_stock_is_abandoned_and_does_not_affect_others()
    {
        var (plenty, scarce) = (await databases.StockAsync(100), await databases.StockAsync(2));
        ConfirmRequest[] requests =
        [
            Request((plenty, 1)), Request((plenty, 1), (scarce, 3)), Request((scarce, 2)), Request((plenty, 1)),
            Request((scarce, 1)), Request(("no-such-sku", 1)),
        ];

        var answers = await Task.WhenAll(requests.Select(ConfirmAsync));
        var repeated = await ConfirmAsync(requests[1]);

        Assert.Equal(
            [(ConfirmOutcome.Confirmed, null), (ConfirmOutcome.NotCovered, scarce), (ConfirmOutcome.Confirmed, null),
             (ConfirmOutcome.Confirmed, null), (ConfirmOutcome.NotCovered, scarce),
             (ConfirmOutcome.NotCovered, "no-such-sku")],
            answers.Select(answer => (answer.Outcome, answer.Sku)));
        Assert.Equal(ConfirmOutcome.PinAbandoned, repeated.Outcome);
        Assert.Equal(98, (await databases.Shared.LevelAsync(plenty)).Total);
        Assert.Equal((0, 2), await databases.Shared.LevelAsync(scarce));
    }

    [Fact]
    public async Task A_batch_member_that_breaks_the_transaction_fails_alone()
    {
        var sku = await databases.StockAsync(100);
        // PostgreSQL stores no NUL.
        var broken = Request((sku, 1)) with { Holder = "u:\0" };

        var tasks = Enumerable.Range(0, 20)
            .Select(i => i == 7 ? ConfirmAsync(broken) : ConfirmAsync(Request((sku, 1)))).ToList();
        await Assert.ThrowsAsync<StoreRejectedException>(() => tasks[7]);
        tasks.RemoveAt(7);
        var answers = await Task.WhenAll(tasks);

        Assert.All(answers, answer => Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome));
        Assert.Equal(81, (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task Two_processes_with_skus_in_opposite_orders_report_no_deadlock_to_callers()
    {
        string[] skus = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => databases.StockAsync(10_000)))];
        var elsewhere = new Confirmations(databases.Shared);

        var answers = await Task.WhenAll(Enumerable.Range(0, 600).Select(i =>
        {
            var lines = skus.Select(sku => (sku, 1));
            return i % 2 == 0
                ? confirmations.ConfirmAsync(Request([.. lines]), CancellationToken.None)
                : elsewhere.ConfirmAsync(Request([.. lines.Reverse()]), CancellationToken.None);
        }));

        Assert.All(answers, answer => Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome));
        foreach (var sku in skus) Assert.Equal(9_400, (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task A_deadlock_that_another_writer_causes_is_retried()
    {
        string[] skus = [.. (await Task.WhenAll(databases.StockAsync(10), databases.StockAsync(10)))
            .Order(StringComparer.Ordinal)];
        await using var erp = await databases.Shared.OpenConnectionAsync();
        await using var writing = await erp.BeginTransactionAsync();
        await using (var last = new NpgsqlCommand($"UPDATE inventory SET total = 20 WHERE sku_id = '{skus[1]}'", erp))
        {
            await last.ExecuteNonQueryAsync();
        }

        var confirming = ConfirmAsync(Request((skus[0], 1), (skus[1], 1)));
        await UntilWaitingAsync(confirming);
        // A session looks for a deadlock once, a second after it began to wait. The confirm has to find it and be
        // aborted, so this session looks much later.
        await using (var first = new NpgsqlCommand(
            $"SET deadlock_timeout = '1min'; UPDATE inventory SET total = 20 WHERE sku_id = '{skus[0]}'", erp))
        {
            await first.ExecuteNonQueryAsync();
        }
        await writing.CommitAsync();

        Assert.Equal(ConfirmOutcome.Confirmed, (await confirming).Outcome);
        Assert.Equal(19, (await databases.Shared.LevelAsync(skus[0])).Total);
    }

    [Fact]
    public async Task A_caller_who_gives_up_does_not_stop_other_callers()
    {
        var sku = await databases.StockAsync(10);
        await using var holder = await databases.Shared.OpenConnectionAsync();
        await using var locked = await holder.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand($"SELECT 1 FROM inventory WHERE sku_id = '{sku}' FOR UPDATE", holder))
        {
            await take.ExecuteNonQueryAsync();
        }
        using var patience = new CancellationTokenSource();
        var request = Request((sku, 1));

        var impatient = confirmations.ConfirmAsync(request, patience.Token);
        var patient = ConfirmAsync(Request((sku, 1)));
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        await locked.RollbackAsync();

        Assert.Equal(ConfirmOutcome.Confirmed, (await patient).Outcome);
        Assert.Equal(ConfirmOutcome.AlreadyConfirmed, (await ConfirmAsync(request)).Outcome);
        Assert.Equal(8, (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task An_id_that_belongs_to_another_order_is_refused()
    {
        var sku = await databases.StockAsync(10);
        var request = Request((sku, 1));
        await ConfirmAsync(request);

        var other = await ConfirmAsync(request with { Holder = "u:other", Pins = [new(0, 9)] });

        Assert.Equal((ConfirmOutcome.IdUsedBefore, null), (other.Outcome, other.Order));
        Assert.Equal(9, (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task A_batch_with_an_order_of_an_earlier_attempt_confirms_all_its_members()
    {
        var sku = await databases.StockAsync(100);
        var known = Request((sku, 1));
        var first = await ConfirmAsync(known);
        var batches = (await databases.Shared.LevelAsync(sku)).Version;

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            ConfirmAsync(i == 25 ? known with { Pins = [new(0, 9)] } : Request((sku, 1)))));

        Assert.Equal(ConfirmOutcome.AlreadyConfirmed, answers[25].Outcome);
        Assert.Equal(first.Order!.Id, answers[25].Order!.Id);
        Assert.Equal(49, answers.Count(answer => answer.Outcome == ConfirmOutcome.Confirmed));
        var (total, version) = await databases.Shared.LevelAsync(sku);
        Assert.Equal(50, total);
        // They still share batches.
        Assert.InRange(version, batches + 1, batches + 10);
    }

    [Fact]
    public async Task A_repeated_confirm_returns_its_order_even_when_no_stock_is_left()
    {
        var sku = await databases.StockAsync(5);
        var request = Request((sku, 5));
        var first = await ConfirmAsync(request);

        var again = await ConfirmAsync(request with { Pins = [new(0, 9)] });

        Assert.Equal((ConfirmOutcome.AlreadyConfirmed, first.Order!.Id), (again.Outcome, again.Order?.Id));
        Assert.Equal((0, 2), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task A_dead_pooled_connection_is_replaced_and_a_dead_server_is_reported()
    {
        await using var server = await Testing.PostgresServer.StartAsync();
        await using var source = NpgsqlDataSource.Create(await server.CreateDatabaseAsync());
        await using (var context = LedgerDatabases.Open(source))
        {
            await LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);
        }
        await source.ExecuteAsync("INSERT INTO products (sku_id, name) VALUES ('a', 'A')");
        await source.ExecuteAsync("INSERT INTO inventory (sku_id, total) VALUES ('a', 9)");
        var there = new Confirmations(source);
        await server.KillAsync();
        await server.RestartAsync();

        var replaced = await there.ConfirmAsync(Request(("a", 1)), CancellationToken.None);
        await server.KillAsync();
        await Assert.ThrowsAnyAsync<StoreException>(() =>
            there.ConfirmAsync(Request(("a", 1)), CancellationToken.None));

        Assert.Equal((ConfirmOutcome.Confirmed, 8), (replaced.Outcome, replaced.Totals[0].Total));
    }

    internal static ConfirmRequest Request(params (string Sku, int Quantity)[] lines) => new()
    {
        ReservationId = Guid.NewGuid(),
        Pins = [new(0, 1)],
        Holder = "u:user-1",
        Lines = [.. lines.Select(line => new Line(line.Sku, line.Quantity))],
    };

    private Task<ConfirmAnswer> ConfirmAsync(ConfirmRequest request) =>
        confirmations.ConfirmAsync(request, CancellationToken.None);

    private Task UntilWaitingAsync(Task waiter) => Eventually.TrueAsync(async () =>
        waiter.IsCompleted || await databases.Shared.ReadAsync<bool>(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"));
}
