using Inventory.Testing;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>A pin that was lost with the data of an earlier epoch makes no order.</summary>
[Collection(OneServer.Name)]
public sealed class FenceTests(LedgerDatabases databases)
{
    private static int partitions = 100;

    private readonly Confirmations confirmations = new(databases.Shared);
    private readonly Fences fences = new(databases.Shared);
    private readonly int partition = Interlocked.Increment(ref partitions);

    [Fact]
    public async Task A_new_epoch_number_is_higher_than_in_either_store()
    {
        Assert.Equal(1, await fences.RaiseAsync(partition, 0, "test", CancellationToken.None));
        Assert.Equal(2, await fences.RaiseAsync(partition, 1, "test", CancellationToken.None));
        Assert.Equal(3, await fences.RaiseAsync(partition, 0, "test", CancellationToken.None));
        Assert.Equal(10, await fences.RaiseAsync(partition, 9, "test", CancellationToken.None));
        await fences.OpenedAsync(partition, 10, "run", CancellationToken.None);

        Assert.Equal((10, null), await fences.ReadAsync(partition, CancellationToken.None));
    }

    [Fact]
    public async Task An_outdated_pin_is_refused_without_a_decision_about_its_number()
    {
        var sku = await databases.StockAsync(10);
        var epoch = await fences.RaiseAsync(partition, 0, "test", CancellationToken.None);
        var elsewhere = partition + 1_000;
        var request = ConfirmationTests.Request((sku, 1)) with { Pins = [new(partition, 1, epoch), new(elsewhere, 1)] };
        epoch = await fences.RaiseAsync(partition, epoch, "test", CancellationToken.None);

        var refused = await confirmations.ConfirmAsync(request, CancellationToken.None);

        Assert.Equal((ConfirmOutcome.PinOutdated, null), (refused.Outcome, refused.Order));
        Assert.Equal((10, 1), await databases.Shared.LevelAsync(sku));
        Assert.Equal(0, await databases.Shared.ReadAsync<long>(
            $"SELECT count(*) FROM pin_decisions WHERE reservation_id = '{request.ReservationId}'"));
        var again = request with { Pins = [new(partition, 1, epoch), new(elsewhere, 1)] };
        Assert.Equal(
            ConfirmOutcome.Confirmed, (await confirmations.ConfirmAsync(again, CancellationToken.None)).Outcome);
        // An existing order is returned, whatever the pin.
        Assert.Equal(
            ConfirmOutcome.AlreadyConfirmed,
            (await confirmations.ConfirmAsync(request, CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task A_batch_refuses_outdated_pins_and_confirms_the_others()
    {
        var sku = await databases.StockAsync(100);
        var epoch = await fences.RaiseAsync(partition, 0, "test", CancellationToken.None);
        epoch = await fences.RaiseAsync(partition, epoch, "test", CancellationToken.None);

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => confirmations.ConfirmAsync(
            ConfirmationTests.Request((sku, 1)) with { Pins = [new(partition, 1, epoch - (i % 2))] },
            CancellationToken.None)));

        Assert.Equal(20, answers.Count(answer => answer.Outcome == ConfirmOutcome.Confirmed));
        Assert.Equal(20, answers.Count(answer => answer.Outcome == ConfirmOutcome.PinOutdated));
        Assert.Equal(80, (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task Raising_the_epoch_waits_for_a_confirm_that_has_read_it()
    {
        var sku = await databases.StockAsync(10);
        var epoch = await fences.RaiseAsync(partition, 0, "test", CancellationToken.None);
        var request = ConfirmationTests.Request((sku, 1)) with { Pins = [new(partition, 1, epoch)] };
        Task<ConfirmAnswer> confirm;
        Task<long> raise;
        await using (var connection = await databases.Shared.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var hold = new NpgsqlCommand(
                $"SELECT FROM inventory WHERE sku_id = '{sku}' FOR UPDATE", connection, transaction);
            await hold.ExecuteNonQueryAsync();
            confirm = confirmations.ConfirmAsync(request, CancellationToken.None);
            await UntilWaitingAsync("%inventory%FOR NO KEY UPDATE%");
            raise = fences.RaiseAsync(partition, epoch, "test", CancellationToken.None);
            await UntilWaitingAsync("%INSERT INTO fences%");
            Assert.False(confirm.IsCompleted || raise.IsCompleted);
        }

        Assert.Equal(ConfirmOutcome.Confirmed, (await confirm).Outcome);
        Assert.Equal(epoch + 1, await raise);
    }

    private Task UntilWaitingAsync(string query) => Eventually.TrueAsync(() => databases.Shared.ReadAsync<bool>(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE "
        + $"'{query}' AND pid <> pg_backend_pid()"));
}
