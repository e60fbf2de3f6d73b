using System.Net.Sockets;
using System.Text;
using Inventory.Testing;
using Npgsql;

namespace Inventory.Materializer.Tests;

/// <summary>Where a connection to PostgreSQL breaks.</summary>
public enum BreakAt
{
    /// <summary>Before a message that is not the end of a transaction reaches the server.</summary>
    Statement,

    /// <summary>Before COMMIT reaches the server.</summary>
    BeforeCommit,

    /// <summary>After the server has committed, before its answer reaches the client.</summary>
    AfterCommit,
}

/// <summary>A proxy between an instance and PostgreSQL that breaks connections at chosen moments.</summary>
/// <param name="server">The loopback port of PostgreSQL.</param>
public sealed class BreakingProxy(int server) : LoopbackProxy(server)
{
    private static readonly byte[] Commit = Encoding.ASCII.GetBytes("COMMIT");
    private readonly Lock gate = new();
    private BreakAt? armed;
    private int messages;
    private int breaks;

    /// <summary>Connections broken so far.</summary>
    public int Breaks => Volatile.Read(ref breaks);

    /// <summary>The same database, through this proxy.</summary>
    public string Through(string connection) => new NpgsqlConnectionStringBuilder(connection)
    {
        Port = Port,
    }.ConnectionString;

    /// <summary>Breaks the next connection that reaches this point.</summary>
    /// <param name="at">The point.</param>
    /// <param name="after">For a statement: the number of messages that pass before.</param>
    public void BreakNext(BreakAt at, int after)
    {
        lock (gate) (armed, messages) = (at, after);
    }

    /// <inheritdoc/>
    protected override async Task ServeAsync(NetworkStream near, NetworkStream far, CancellationToken cancellation)
    {
        var connection = new Connection(near, far);
        await await Task.WhenAny(RequestsAsync(connection, cancellation), AnswersAsync(connection, cancellation));
    }

    private async Task RequestsAsync(Connection connection, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        while (await connection.Near.ReadAsync(buffer, cancellation) is var length and > 0)
        {
            var place = Place(buffer.AsSpan(0, length));
            connection.DropsAnswer = place == BreakAt.AfterCommit;
            if (place is BreakAt.Statement or BreakAt.BeforeCommit) return;
            await connection.Far.WriteAsync(buffer.AsMemory(0, length), cancellation);
        }
    }

    private async Task AnswersAsync(Connection connection, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        while (await connection.Far.ReadAsync(buffer, cancellation) is var length and > 0)
        {
            if (connection.DropsAnswer) return;
            await connection.Near.WriteAsync(buffer.AsMemory(0, length), cancellation);
        }
    }

    /// <summary>The point at which this message breaks the connection; null if it passes.</summary>
    private BreakAt? Place(ReadOnlySpan<byte> message)
    {
        var isCommit = message.IndexOf(Commit) >= 0;
        lock (gate)
        {
            if (armed is not { } place) return null;
            if (place == BreakAt.Statement ? isCommit || messages-- > 0 : !isCommit) return null;
            armed = null;
            breaks++;
            return place;
        }
    }

    private sealed class Connection(NetworkStream near, NetworkStream far)
    {
        public NetworkStream Near => near;

        public NetworkStream Far => far;

        public volatile bool DropsAnswer;
    }
}
