using System.Text.Json;
using Inventory.Storage;
using Inventory.Testing;
using Npgsql;

namespace Inventory.ReconciliationWorker.Tests.Retention;

/// <summary>Rows are in a complete file before they are deleted, whatever fails.</summary>
public sealed class ArchiveTests(Stores stores) : IClassFixture<Stores>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("archive-").FullName;

    private (string, string) IntoFolder => ("Retention:ArchiveFolder", folder);

    public void Dispose()
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_day_of_a_table_is_one_file_with_all_columns()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, IntoFolder);
        const string at = "'2024-05-06 07:08:09.123Z'";
        var ids = new[] { await stores.ReservationAsync("expired", at), await stores.ReservationAsync("released", at) };
        var next = await stores.ReservationAsync("expired", "'2024-05-07 00:00:00Z'");
        await stores.PaymentAsync(next, "pay", "noted", at, "payment.failed");

        await worker.PruneAsync();

        Assert.Equal(
            ["payment_events-2024-05-06.ndjson.gz", "reservation_events-2024-05-06.ndjson.gz",
             "reservation_events-2024-05-07.ndjson.gz", "reservations-2024-05-06.ndjson.gz",
             "reservations-2024-05-07.ndjson.gz"],
            Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        var rows = OldRowsScene.ReadArchive(folder);
        Assert.Equal(ids.Append(next).Order(), Reservations(rows["reservations"]).Order());
        Assert.Equal(6, rows["reservation_events"].Count());
        var first = rows["reservations"].First(row => row.GetProperty("status").GetString() == "released");
        Assert.Equal(new(2024, 5, 6, 7, 8, 9, 123, TimeSpan.Zero), first.GetProperty("updated_at").GetDateTimeOffset());
        Assert.Equal("a", first.GetProperty("lines")[0].GetProperty("sku").GetString());
        var payment = rows["payment_events"].Single().GetProperty("body").GetProperty("data");
        Assert.Equal(500, payment.GetProperty("amount").GetInt32());
    }

    [Fact]
    public async Task A_row_that_is_left_over_goes_into_a_further_file()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, IntoFolder);
        const string at = "'2024-03-04 05:06:07Z'";
        var first = await stores.ReservationAsync("expired", at);
        await worker.PruneAsync();
        var second = await stores.ReservationAsync("expired", at);

        await worker.PruneAsync();

        Assert.True(File.Exists(Path.Combine(folder, "reservations-2024-03-04.2.ndjson.gz")));
        var rows = OldRowsScene.ReadArchive(folder);
        Assert.Equal(new[] { first, second }.Order(), Reservations(rows["reservations"]).Order());
    }

    [Fact]
    public async Task A_failure_between_file_and_deletion_loses_no_row()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, IntoFolder);
        await worker.PruneAsync();
        await stores.ExecuteAsync(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
            CREATE TRIGGER refuse BEFORE DELETE ON reservation_events EXECUTE FUNCTION refuse()
            """);
        var id = await stores.ReservationAsync("expired");
        var unfinished = Path.Combine(folder, "reservations-2024-01-01.0.unfinished");
        await File.WriteAllTextAsync(unfinished, "half of a row");

        await Assert.ThrowsAsync<StoreRejectedException>(() => worker.Pruner.PassAsync(CancellationToken.None));
        var left = await stores.LeftAsync(id);
        await stores.ExecuteAsync("DROP TRIGGER refuse ON reservation_events; DROP FUNCTION refuse");
        await worker.PruneAsync();

        Assert.Equal((1, 2), left);
        Assert.Equal((0, 0), await stores.LeftAsync(id));
        Assert.False(File.Exists(unfinished));
        var rows = OldRowsScene.ReadArchive(folder);
        // Once by each pass: twice is the price of never losing one.
        Assert.Equal([id, id], Reservations(rows["reservations"]));
        Assert.Equal(4, rows["reservation_events"].Count());
    }

    [Fact]
    public async Task Without_its_folder_nothing_is_deleted()
    {
        Directory.Delete(folder);
        await using var worker = await Worker.StartCapturingAsync(stores, IntoFolder);
        await worker.Log.WaitForAsync("Old rows can't be archived");
        var id = await stores.ReservationAsync("expired");

        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => worker.Pruner.PassAsync(CancellationToken.None));
        var left = await stores.LeftAsync(id);
        var isHealthy = await worker.IsHealthyAsync();
        Directory.CreateDirectory(folder);
        await worker.PruneAsync();

        Assert.Equal((1, 2), left);
        Assert.True(isHealthy);
        Assert.Equal((0, 0), await stores.LeftAsync(id));
        Assert.Contains(id, Reservations(OldRowsScene.ReadArchive(folder)["reservations"]));
    }

    [Fact]
    public async Task A_row_that_was_used_again_after_its_file_stays()
    {
        await using var worker = await Worker.StartCapturingAsync(
            stores, IntoFolder, ("Audit:AutomaticRepair", "false"));
        await worker.PruneAsync();
        var parts = await stores.ReservationAsync("expired");
        await stores.ReservationAsync("expired", id: parts, partition: 1);
        var events = await stores.LockAsync("reservation_events");
        var pass = worker.Pruner.PassAsync(CancellationToken.None);
        await stores.UntilLockedOutAsync("SELECT to_json%");

        // A late payment revives the reservation, in one partition after the other, and the pass meets it half done.
        await using var source = NpgsqlDataSource.Create(stores.Postgres.ConnectionString);
        await using var reviver = await source.OpenConnectionAsync();
        await using var revival = await reviver.BeginTransactionAsync();
        await using var revive = new NpgsqlCommand(
            $"""
            UPDATE reservations SET status = 'pending', updated_at = now(), sequence = 3
            WHERE reservation_id = '{parts}' AND partition = 1
            """,
            reviver);
        await revive.ExecuteNonQueryAsync();
        await events.DisposeAsync();
        await stores.UntilLockedOutAsync("SELECT FROM reservations%");
        await revival.CommitAsync();
        await pass;

        Assert.Equal((2, 4), await stores.LeftAsync(parts));
    }

    private static IEnumerable<Guid> Reservations(IEnumerable<JsonElement> rows) =>
        rows.Select(row => row.GetProperty("reservation_id").GetGuid());
}
