using System.Buffers.Text;
using System.Security.Cryptography;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>Those who wait for stock to be decided again, first come, first served.</summary>
/// <remarks>
/// What is always true:
/// <list type="bullet">
/// <item>Places become visible in ascending order: whoever writes new ones holds the one row of the queue's load from
/// before their numbers are drawn until they are committed. So whoever has read up to a place has missed none.</item>
/// <item>The load is the number of places that wait: each statement that changes one changes the other.</item>
/// <item>An Idempotency-Key has one place.</item>
/// </list>
/// While one batch is written the next one gathers, so a crowd shares the row's lock and the flush of the log.
/// A queue that can't be written is not tried again for a second: shoppers hear at once that there is no place.
/// </remarks>
public sealed partial class WaitingQueue(NpgsqlDataSource source, TimeProvider time) : IDisposable
{
    /// <summary>Says that somebody waits. Heard by <c>LISTEN</c>.</summary>
    public const string Channel = "waiting_queue";

    /// <summary>Most places of one transaction. Bounds its message; at 500 the round trips cost each some µs.</summary>
    private const int MaxBatch = 1_000;

    /// <summary>
    /// From one batch of several to the next. Who waits for a turn doesn't notice it, and those who are worked off
    /// need the lock of the load's row too: a crowd that took it without pause would keep its own queue alive.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Thousands ask for their tickets at a time, and this instance has few connections.</summary>
    private const int MaxReaders = 8;

    /// <summary>
    /// How long a batch may take before those who wait for it are told that there is no place. It takes milliseconds;
    /// a database that pauses for longer is taken for away.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim readers = new(MaxReaders);
    private readonly Lock gate = new();
    private readonly Queue<QueueMember> waiting = [];
    private bool busy;
    private long awayAt;

    /// <summary>Takes a place.</summary>
    /// <param name="intent">What for.</param>
    /// <param name="capacity">How many may wait.</param>
    /// <param name="cancellation">Ends the waiting, not the writing: there may be a place then.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away, or was a moment ago: there may be a place.</exception>
    /// <exception cref="TimeoutException">PostgreSQL doesn't answer: there may be a place.</exception>
    public Task<EnqueueAnswer> EnqueueAsync(QueuedIntent intent, int capacity, CancellationToken cancellation)
    {
        if (Volatile.Read(ref awayAt) is var at and not 0 && time.GetElapsedTime(at) < Pause)
        {
            throw new NpgsqlException("PostgreSQL did not answer a moment ago.");
        }

        var member = new QueueMember(intent, capacity, NewTicket());
        lock (gate)
        {
            waiting.Enqueue(member);
            if (!busy)
            {
                busy = true;
                // The batches are nobody's in particular: they belong in no caller's trace.
                using (ExecutionContext.SuppressFlow())
                {
                    _ = Task.Run(WriteWaitingAsync, CancellationToken.None);
                }
            }
        }

        return member.Answer.WaitAsync(cancellation);
    }

    /// <summary>Ends nothing that is on its way.</summary>
    public void Dispose() => readers.Dispose();

    private async Task WriteWaitingAsync()
    {
        while (NextBatch() is { Count: > 0 } batch)
        {
            var began = time.GetTimestamp();
            await WriteBatchAsync(batch).ConfigureAwait(false);
            if (batch.Count > 1 && Interval - time.GetElapsedTime(began) is { Ticks: > 0 } pause)
            {
                await Task.Delay(pause, time).ConfigureAwait(false);
            }
        }
    }

    private async Task WriteBatchAsync(List<QueueMember> batch)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            await WriteAsync(batch, patience.Token).WaitAsync(patience.Token).ConfigureAwait(false);
            Volatile.Write(ref awayAt, 0);
        }
        catch (Exception e)
        {
            Volatile.Write(ref awayAt, time.GetTimestamp());
            // Whatever it was, those who wait have to hear it.
            var reason = e is OperationCanceledException ? new TimeoutException("No answer in time.", e) : e;
            foreach (var member in batch) member.Fail(reason);
        }
    }

    private List<QueueMember> NextBatch()
    {
        var batch = new List<QueueMember>();
        lock (gate)
        {
            while (batch.Count < MaxBatch && waiting.TryDequeue(out var member)) batch.Add(member);
            busy = batch.Count > 0;
        }

        return batch;
    }

    private async Task WriteAsync(List<QueueMember> members, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await using var lockLoad = new NpgsqlCommand(
            "SELECT waiting FROM waiting_queue_load FOR UPDATE", connection, transaction);
        var load = (int)(await lockLoad.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
        await FindKnownAsync(connection, members, cancellation).ConfigureAwait(false);
        var added = QueueMember.Place(members, load);
        if (added.Count > 0) await AddAsync(connection, added, cancellation).ConfigureAwait(false);
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        foreach (var member in members) member.Complete();
    }

    private static async Task FindKnownAsync(
        NpgsqlConnection connection, List<QueueMember> members, CancellationToken cancellation)
    {
        var keyed = members.Where(member => member.Intent.IdempotencyKey is not null)
            .ToLookup(member => member.Intent.IdempotencyKey!);
        if (keyed.Count == 0) return;
        await using var find = new NpgsqlCommand(
            $"SELECT {QueueRows.Columns} FROM waiting_queue q WHERE idempotency_key = ANY($1)", connection);
        find.Parameters.Add(new() { Value = keyed.Select(same => same.Key).ToArray() });
        await using var reader = await find.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            var entry = QueueRows.Read(reader);
            foreach (var member in keyed[entry.Intent.IdempotencyKey!]) member.MeetBefore(entry);
        }
    }

    private static async Task AddAsync(
        NpgsqlConnection connection, List<QueueMember> added, CancellationToken cancellation)
    {
        await using var add = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                QueueRows.Insert(added),
                new("UPDATE waiting_queue_load SET waiting = waiting + $1")
                {
                    Parameters = { new() { Value = added.Count } },
                },
                new($"NOTIFY {Channel}"),
            },
        };
        await using var reader = await add.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        var byTicket = added.ToDictionary(member => member.Ticket);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            byTicket[reader.GetString(1)].GotPlace(reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(2));
        }
    }

    private static string NewTicket()
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return Base64Url.EncodeToString(random);
    }

    /// <summary>Whether <paramref name="text"/> can be a ticket.</summary>
    public static bool IsTicket(string text) =>
        text.Length == 22 && text.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '-' or '_');
}
