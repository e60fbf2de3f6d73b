using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// What a slot decodes, message by message. Whole transactions in the order of their commits, and only after them.
/// </summary>
internal sealed class ChangeStream : IAsyncDisposable
{
    // How often PostgreSQL hears what has been confirmed, which is also the sign of life that it waits for.
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    // Half of it without a message, and PostgreSQL is asked for a sign of life; all of it, and it is gone.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    private readonly LogicalReplicationConnection connection;
    private readonly CancellationTokenSource ending;
    private readonly IAsyncEnumerator<PgOutputReplicationMessage> messages;
    private Task<bool> next;

    private ChangeStream(LogicalReplicationConnection connection, string slot, CancellationToken cancellation)
    {
        this.connection = connection;
        ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // The first protocol version: the later ones add transactions that are still running or prepared, neither of
        // which may be sold from. Every server speaks it.
        var options = new PgOutputReplicationOptions(
            CaptureSession.Publication, PgOutputProtocolVersion.V1, binary: true);
        messages = connection.StartReplication(new PgOutputReplicationSlot(slot), options, ending.Token)
            .GetAsyncEnumerator(ending.Token);
        next = messages.MoveNextAsync().AsTask();
    }

    /// <summary>Whether <see cref="TakeAsync"/> has something to take, or to throw.</summary>
    public bool HasMessage => next.IsCompleted;

    /// <summary>Everything before it is in Redis.</summary>
    public NpgsqlLogSequenceNumber Confirmed { get; private set; }

    /// <summary>Starts where the slot was confirmed last.</summary>
    public static async Task<ChangeStream> OpenAsync(
        string connectionString, string slot, CancellationToken cancellation)
    {
        var connection = new LogicalReplicationConnection(CaptureConnection.ForStream(connectionString))
        {
            WalReceiverStatusInterval = StatusInterval,
            WalReceiverTimeout = Silence,
        };
        try
        {
            await connection.Open(cancellation);
            return new(connection, slot, cancellation);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for a message.</summary>
    /// <returns>Whether there is one; false when <paramref name="patience"/> is over.</returns>
    public async Task<bool> WaitAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(next, Task.Delay(patience, time, over.Token));
        await over.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
        return next.IsCompleted;
    }

    /// <summary>Puts the next message into a batch.</summary>
    /// <exception cref="EndOfStreamException">PostgreSQL has ended the stream.</exception>
    public async Task TakeAsync(ChangeBatch batch, CancellationToken cancellation)
    {
        if (!await next) throw new EndOfStreamException("PostgreSQL has ended the stream of changes.");
        switch (messages.Current)
        {
            case BeginMessage:
                batch.Begin();
                break;
            case InsertMessage insert:
                await AddAsync(insert.NewRow);
                break;
            case UpdateMessage update:
                await AddAsync(update.NewRow);
                break;
            case CommitMessage commit:
                batch.Commit(commit.TransactionEndLsn, commit.TransactionCommitTimestamp);
                break;
        }

        // A message is only valid until the next is asked for.
        next = messages.MoveNextAsync().AsTask();

        async Task AddAsync(ReplicationTuple row)
        {
            string? sku = null;
            var version = 0L;
            await foreach (var value in row.WithCancellation(cancellation))
            {
                switch (value.GetFieldName())
                {
                    case "sku_id": sku = await value.Get<string>(cancellation); break;
                    case "version": version = await value.Get<long>(cancellation); break;
                }
            }

            batch.Add(sku!, version);
        }
    }

    /// <summary>Lets PostgreSQL forget everything before a position. Redis has it.</summary>
    public void Confirm(NpgsqlLogSequenceNumber position)
    {
        if (position <= Confirmed) return;
        connection.SetReplicationStatus(position);
        Confirmed = position;
    }

    /// <summary>
    /// Lets PostgreSQL forget all that it has sent. Call it only between transactions, with everything applied: the
    /// message on its way, if any, then belongs to a transaction whose commit comes after this position.
    /// </summary>
    /// <remarks>
    /// Without it, the log of busy tables that are not captured would be kept until the next change of a total, and an
    /// orderly shutdown of PostgreSQL would wait for a confirmation that doesn't come.
    /// </remarks>
    public void ConfirmReceived() => Confirm(connection.LastReceivedLsn);

    /// <summary>Ends the stream. The slot remains, with all that isn't confirmed.</summary>
    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        // Its outcome was seen by the caller or isn't wanted any more; it only has to be over.
        await next.ContinueWith(
            static ended => _ = ended.Exception, CancellationToken.None,
            TaskContinuationOptions.None, TaskScheduler.Default);
        await messages.DisposeAsync();
        await connection.DisposeAsync();
        ending.Dispose();
    }
}
