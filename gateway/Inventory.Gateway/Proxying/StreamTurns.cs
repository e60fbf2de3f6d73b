namespace Inventory.Gateway.Proxying;

/// <summary>
/// Lets some streams open at a time; the others wait for their turn. A stream that opens takes a call to Redis, a
/// connection to a replica and some milliseconds of processor time, and one that is open takes little. Without turns,
/// thousands of readers that come at once delay every answer of Redis and of the replicas, until these look lost.
/// </summary>
/// <remarks>By design: a reader waits and is not refused, because a browser never reconnects after a refusal.</remarks>
internal sealed class StreamTurns(TimeProvider time) : IMiddleware, IDisposable
{
    /// <summary>
    /// Enough to keep the processors busy while the replicas answer, and few enough that a call to Redis rarely waits
    /// longer than its patience of 50 ms. Thousands of streams in one moment can still exceed it.
    /// </summary>
    private const int PerCore = 16;

    /// <summary>A replica that hangs must not stop the streams of the others.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim turns = new(PerCore * Environment.ProcessorCount);

    public Task InvokeAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<StreamRoute>() is null ? next(context) : OpenAsync(context, next);

    public void Dispose() => turns.Dispose();

    private async Task OpenAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await turns.WaitAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The reader has left.
            return;
        }

        await using var turn = new Turn(turns, time);
        context.Response.OnStarting(static turn => ((Turn)turn).DisposeAsync().AsTask(), turn);
        await next(context);
    }

    /// <summary>
    /// The turn of one stream: until its answer begins, or for <see cref="Longest"/>. Ends once, whatever comes first.
    /// </summary>
    private sealed class Turn : IAsyncDisposable
    {
        private readonly SemaphoreSlim turns;
        private readonly ITimer end;
        private int hasEnded;

        public Turn(SemaphoreSlim turns, TimeProvider time)
        {
            this.turns = turns;
            end = time.CreateTimer(static turn => ((Turn)turn!).End(), this, Longest, Timeout.InfiniteTimeSpan);
        }

        public ValueTask DisposeAsync()
        {
            End();
            return end.DisposeAsync();
        }

        private void End()
        {
            if (Interlocked.Exchange(ref hasEnded, 1) != 0) return;
            try
            {
                turns.Release();
            }
            catch (ObjectDisposedException)
            {
                // The gateway has stopped. A timer has no caller that could handle this.
            }
        }
    }
}
