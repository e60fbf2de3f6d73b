using System.Net.Sockets;
using System.Text;

namespace Inventory.Testing;

/// <summary>Which part of an exchange with a server is held.</summary>
public enum Holding
{
    /// <summary>The request: the server has not received it.</summary>
    Request,

    /// <summary>The answer: the server has executed the request, and the client has no answer yet.</summary>
    Answer,
}

/// <summary>
/// Stops an exchange with a server at a chosen step. A test kills the client at that step, and then delivers or drops
/// the step. The client does not know of the proxy.
/// </summary>
/// <param name="server">The server's loopback port.</param>
public sealed class HoldingProxy(int server) : LoopbackProxy(server)
{
    private volatile HeldStep? armed;

    /// <summary>
    /// Holds the next request that contains a text, and everything after it on its connection, in both directions.
    /// </summary>
    /// <param name="part">The request or its answer.</param>
    /// <param name="text">The text, in ASCII.</param>
    public HeldStep HoldNext(Holding part, string text) => armed = new(part, text);

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
            var passing = buffer.AsMemory(0, length);
            if (armed is { } step && step.Find(passing.Span, ref connection.Before) is { } start)
            {
                armed = null;
                await connection.Far.WriteAsync(passing[..start], cancellation);
                await HoldAsync(connection, step, passing[start..], cancellation);
                return;
            }

            await connection.Far.WriteAsync(passing, cancellation);
        }
    }

    private static async Task HoldAsync(
        Connection connection, HeldStep step, ReadOnlyMemory<byte> held, CancellationToken cancellation)
    {
        connection.Held = step;
        if (step.Part == Holding.Answer) await connection.Far.WriteAsync(held, cancellation);
        else step.IsReached();
        if (!await step.DecidedAsync(cancellation)) return;
        if (step.Part == Holding.Request) await connection.Far.WriteAsync(held, cancellation);
        await step.AnsweredAsync(cancellation);
    }

    private static async Task AnswersAsync(Connection connection, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        while (await connection.Far.ReadAsync(buffer, cancellation) is var length and > 0)
        {
            if (connection.Held is { } step) step.IsAnswered();
            else await connection.Near.WriteAsync(buffer.AsMemory(0, length), cancellation);
        }
    }

    private sealed class Connection(NetworkStream near, NetworkStream far)
    {
        public byte[] Before = [];

        public volatile HeldStep? Held;

        public NetworkStream Near => near;

        public NetworkStream Far => far;
    }
}

/// <summary>A step that a <see cref="HoldingProxy"/> holds, or will hold when it comes.</summary>
public sealed class HeldStep
{
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] text;

    internal HeldStep(Holding part, string text) => (Part, this.text) = (part, Encoding.ASCII.GetBytes(text));

    /// <summary>Completes when the client has reached the step.</summary>
    public Task Reached => reached.Task;

    internal Holding Part { get; }

    /// <summary>Delivers the held bytes to the server. Completes when the server has begun to answer.</summary>
    public Task DeliverAsync()
    {
        decided.SetResult(true);
        return answered.Task;
    }

    /// <summary>Drops the held bytes and closes the connection to the server.</summary>
    public void Drop() => decided.SetResult(false);

    internal void IsReached() => reached.TrySetResult();

    internal void IsAnswered()
    {
        if (Part == Holding.Answer) reached.TrySetResult();
        if (decided.Task.IsCompleted || Part == Holding.Answer) answered.TrySetResult();
    }

    internal Task<bool> DecidedAsync(CancellationToken cancellation) => decided.Task.WaitAsync(cancellation);

    internal Task AnsweredAsync(CancellationToken cancellation) => answered.Task.WaitAsync(cancellation);

    /// <summary>The position at which the step begins in these bytes; null when it doesn't.</summary>
    /// <param name="passing">The bytes that have arrived now.</param>
    /// <param name="before">The end of the earlier bytes, because a text may be split.</param>
    internal int? Find(ReadOnlySpan<byte> passing, ref byte[] before)
    {
        byte[] seen = [.. before, .. passing];
        var at = seen.AsSpan().IndexOf(text);
        if (at < 0)
        {
            before = seen[^Math.Min(seen.Length, text.Length - 1)..];
            return null;
        }

        // In a pipeline of Redis commands, hold from the beginning of the command on. PostgreSQL gets one batch at a
        // time.
        var command = seen.AsSpan(0, at).LastIndexOf("\r\n*"u8);
        return command < 0 ? 0 : Math.Max(0, command + 2 - before.Length);
    }
}
