using Inventory.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.ReconciliationWorker.Retention;

/// <summary>Archives and deletes the rows that nothing can need any more. One instance at a time.</summary>
/// <remarks>
/// Invariants: where rows are archived, a row is deleted only after the file with it is complete and on the disk, so
/// neither a crash nor a full disk loses one. A row may be in two files, when a pass ended between its file and its
/// deletion. Deletions are made through the session that has the lock, so an instance that has lost it deletes nothing.
/// A pass keeps no state: the next one goes on with the oldest row.
/// </remarks>
public sealed class Pruner(
    NpgsqlDataSource ledger, Archive archive, RetentionMetrics metrics, IOptions<RetentionOptions> options,
    TimeProvider time)
{
    /// <summary>
    /// Rows of one statement: some tens of milliseconds with the details of reservations. Bounds how long another
    /// statement may wait for their locks, and a commit for the log behind them.
    /// </summary>
    private const int Batch = 1_000;

    /// <summary>Keys that are kept in memory between a file and the deletion of its rows, some 5 MB.</summary>
    private const int RowsOfOneFile = 50_000;

    // A hanging store or disk says nothing about the cost of a batch.
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    /// <summary>Longer than a batch takes on a slow disk. After it another instance takes over.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(5);

    private static readonly AdvisoryLock Lock = AdvisoryLock.Named("inventory-retention");

    /// <summary>One pass over all tables, until nothing is left that may go.</summary>
    /// <param name="cancellation">Ends the pass between two batches.</param>
    /// <returns>False when another instance is at it.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    /// <exception cref="IOException">The archive can't be written, so no row of it was deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public async Task<bool> PassAsync(CancellationToken cancellation)
    {
        await using var lease = await AdvisoryLease.TryTakeAsync(ledger, Lock, Idle, cancellation);
        if (lease is null)
        {
            metrics.Left();
            return false;
        }

        archive.RemoveUnfinished();
        foreach (var rows in OldRows.All(options.Value))
        {
            await PruneAsync(lease, rows, cancellation);
            var oldest = await lease.Connection.ReadValueAsync(rows.Oldest, cancellation);
            metrics.Oldest(rows.Table, oldest is DateTime at ? at : null);
        }

        return true;
    }

    private async Task PruneAsync(AdvisoryLease lease, OldRows rows, CancellationToken cancellation)
    {
        var after = new Row(rows.KeyType.Lowest, DateTime.UnixEpoch);
        while (true)
        {
            var day = await FindDayAsync(lease, rows, after, cancellation);
            if (day.Count == 0) return;
            after = day[^1];
            // The parts of a reservation have one key.
            var batches = day.Select(row => row.Key).Distinct().Chunk(Batch).ToList();
            if (archive.IsUsed) await ArchiveAsync(lease, rows, after.Age, batches, cancellation);
            foreach (var keys in batches)
            {
                await PacedAsync(() => DeleteAsync(lease, rows, keys, cancellation), cancellation);
            }
        }
    }

    /// <summary>The next rows of one day that may go, at most as many as a file has.</summary>
    private async Task<List<Row>> FindDayAsync(
        AdvisoryLease lease, OldRows rows, Row after, CancellationToken cancellation)
    {
        var found = new List<Row>();
        while (found.Count < RowsOfOneFile)
        {
            var page = await PacedAsync(
                () => lease.Connection.ReadAsync(
                    rows.Find, row => new Row(row.GetString(0), row.GetDateTime(1)), cancellation,
                    rows.KeptFor, after.Age, after.Key, Batch),
                cancellation);
            if (page.Count == 0) break;
            var day = (found.Count > 0 ? found[0] : page[0]).Age.Date;
            found.AddRange(page.TakeWhile(row => row.Age.Date == day));
            after = page[^1];
            if (page.Count < Batch || after.Age.Date != day) break;
        }

        return found;
    }

    private async Task ArchiveAsync(
        AdvisoryLease lease, OldRows rows, DateTime day, List<string[]> batches, CancellationToken cancellation)
    {
        using var file = archive.Begin(rows.Table, day);
        using var details = rows.Details is { } table ? archive.Begin(table, day) : null;
        foreach (var keys in batches)
        {
            await PacedAsync(
                async () =>
                {
                    await lease.KeepAsync(cancellation);
                    await WriteAsync(file, rows.Table, rows.Read, keys, cancellation);
                    if (details is not null)
                    {
                        await WriteAsync(details, rows.Details!, rows.ReadDetails, keys, cancellation);
                    }

                    return keys.Length;
                },
                cancellation);
        }

        if (details is not null) await details.CompleteAsync();
        await file.CompleteAsync();
    }

    private async Task WriteAsync(
        ArchiveFile file, string table, string sql, string[] keys, CancellationToken cancellation)
    {
        await foreach (var json in ledger.StreamAsync(sql, row => row.GetString(0), cancellation, (object)keys))
        {
            await file.WriteAsync(json, cancellation);
            metrics.Archived(table, 1);
        }
    }

    private async Task<int> DeleteAsync(
        AdvisoryLease lease, OldRows rows, string[] keys, CancellationToken cancellation)
    {
        var (deleted, details) = await lease.Connection.InTransactionAsync(
            async () =>
            {
                await lease.Connection.ExecuteAsync(rows.Lock, cancellation, (object)keys);
                // A statement of its own: it sees what the holders of the locks have changed.
                var gone = await lease.Connection.ReadAsync(
                    rows.Delete, row => row.GetString(0), cancellation, rows.KeptFor, keys);
                return (gone.Count, rows.Details is null ? 0 : await lease.Connection.ExecuteAsync(
                    rows.DeleteDetails, cancellation, (object)gone.ToArray()));
            },
            cancellation);
        metrics.Deleted(rows.Table, deleted);
        if (rows.Details is { } table) metrics.Deleted(table, details);
        return deleted;
    }

    /// <summary>Rests after a step in proportion to the time that it took.</summary>
    private async Task<T> PacedAsync<T>(Func<Task<T>> step, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var result = await step();
        var rest = time.GetElapsedTime(began) * ((1 / options.Value.Share) - 1);
        if (rest > LongestRest) rest = LongestRest;
        if (rest > TimeSpan.Zero) await Task.Delay(rest, time, cancellation);
        return result;
    }

    private readonly record struct Row(string Key, DateTime Age);
}
