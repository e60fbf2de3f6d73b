using System.Net;
using System.Net.Sockets;
using System.Text;
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
public sealed class BreakingProxy : IAsyncDisposable
{
    private static readonly byte[] Commit = Encoding.ASCII.GetBytes("COMMIT");
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly int server;
    private readonly Task accepting;
    private readonly Lock gate = new();
    private BreakAt? armed;
    private int messages;
    private int breaks;

    public BreakingProxy(int server)
    {
        this.server = server;
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>Connections broken so far.</summary>
    public int Breaks => Volatile.Read(ref breaks);

    /// <summary>The same database, through this proxy.</summary>
    public string Through(string connection) => new NpgsqlConnectionStringBuilder(connection)
    {
        Port = ((IPEndPoint)listener.LocalEndpoint).Port,
    }.ConnectionString;

    /// <summary>Breaks the next connection that reaches this point.</summary>
    /// <param name="at">The point.</param>
    /// <param name="after">For a statement: the number of messages that pass before.</param>
    public void BreakNext(BreakAt at, int after)
    {
        lock (gate) (armed, messages) = (at, after);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The proxy is being disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, server, stopping.Token);
            var connection = new Connection(near.GetStream(), far.GetStream());
            await await Task.WhenAny(RequestsAsync(connection), AnswersAsync(connection));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // One end has closed the connection; returning closes both.
        }
    }

    private async Task RequestsAsync(Connection connection)
    {
        var buffer = new byte[64 * 1024];
        while (await connection.Near.ReadAsync(buffer, stopping.Token) is var length and > 0)
        {
            var place = Place(buffer.AsSpan(0, length));
            connection.DropsAnswer = place == BreakAt.AfterCommit;
            if (place is BreakAt.Statement or BreakAt.BeforeCommit) return;
            await connection.Far.WriteAsync(buffer.AsMemory(0, length), stopping.Token);
        }
    }

    private async Task AnswersAsync(Connection connection)
    {
        var buffer = new byte[64 * 1024];
        while (await connection.Far.ReadAsync(buffer, stopping.Token) is var length and > 0)
        {
            if (connection.DropsAnswer) return;
            await connection.Near.WriteAsync(buffer.AsMemory(0, length), stopping.Token);
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
