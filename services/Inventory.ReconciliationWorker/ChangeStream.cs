using Inventory.Storage;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// The messages that a slot decodes: whole transactions in the order of their commits, sent after the commit.
/// </summary>
internal sealed class ChangeStream : IAsyncDisposable
{
    // How often the confirmed position is sent to PostgreSQL, which also serves as the keep-alive that it expects.
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    // The receive timeout: after half of it without a message PostgreSQL is asked for a keep-alive; after all of it the
    // connection counts as broken.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(10);

    private readonly LogicalReplicationConnection connection;
    private readonly CancellationTokenSource ending;
    private readonly IAsyncEnumerator<PgOutputReplicationMessage> messages;
    private Task<bool> next;

    private ChangeStream(LogicalReplicationConnection connection, string slot, CancellationToken cancellation)
    {
        this.connection = connection;
        ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // The first protocol version. Later versions add running and prepared transactions, which must not reach Redis.
        // Every server supports it.
        var options = new PgOutputReplicationOptions(
            CaptureSession.Publication, PgOutputProtocolVersion.V1, binary: true);
        messages = connection.StartReplication(new PgOutputReplicationSlot(slot), options, ending.Token)
            .GetAsyncEnumerator(ending.Token);
        next = messages.MoveNextAsync().AsTask();
    }

    /// <summary>Whether <see cref="TakeAsync"/> has a message or an exception.</summary>
    public bool HasMessage => next.IsCompleted;

    /// <summary>The confirmed position: all changes before it are in Redis.</summary>
    public NpgsqlLogSequenceNumber Confirmed { get; private set; }

    /// <summary>Starts at the slot's last confirmed position.</summary>
    public static async Task<ChangeStream> OpenAsync(
        string connectionString, string slot, CancellationToken cancellation)
    {
        var connection = new LogicalReplicationConnection(CaptureConnection.ForStream(connectionString))
        {
            WalReceiverStatusInterval = StatusInterval,
            WalReceiverTimeout = LongestSilence,
        };
        try
        {
            await Sql.CallAsync(() => connection.Open(cancellation));
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

    /// <summary>Adds the next message to a batch.</summary>
    /// <exception cref="StoreException">PostgreSQL has ended the stream.</exception>
    public Task TakeAsync(ChangeBatch batch, CancellationToken cancellation) =>
        Sql.CallAsync(() => ReceiveAsync(batch, cancellation));

    private async Task ReceiveAsync(ChangeBatch batch, CancellationToken cancellation)
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

        // A message is only valid until the next one is requested.
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

    /// <summary>
    /// Confirms a position: PostgreSQL may delete its log before it, because Redis has those changes.
    /// </summary>
    public void Confirm(NpgsqlLogSequenceNumber position)
    {
        if (position <= Confirmed) return;
        connection.SetReplicationStatus(position);
        Confirmed = position;
    }

    /// <summary>
    /// Confirms everything that PostgreSQL has sent. Call it only between transactions, when all changes are applied: a
    /// message that is being received then belongs to a transaction that commits after this position.
    /// </summary>
    /// <remarks>
    /// Without it, PostgreSQL would keep the log of busy tables that are not captured until the next change of a total,
    /// and its orderly shutdown would wait for a confirmation that doesn't come.
    /// </remarks>
    public void ConfirmReceived() => Confirm(connection.LastReceivedLsn);

    /// <summary>Ends the stream. The slot remains, with all unconfirmed changes.</summary>
    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        // The caller has seen the outcome or doesn't need it; the task only has to be completed.
        await next.ContinueWith(
            static ended => _ = ended.Exception, CancellationToken.None,
            TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await Sql.CallAsync(() => messages.DisposeAsync().AsTask());
        }
        finally
        {
            ending.Dispose();
            await Sql.CallAsync(() => connection.DisposeAsync().AsTask());
        }
    }
}
