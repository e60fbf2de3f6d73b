namespace Inventory.Storage;

/// <summary>
/// Lets requests that come at the same time share one call to a store (ADR 0018). A request that finds no call under
/// way starts one at once; requests that come meanwhile share the next. So no request waits for a batch to fill, and
/// the more requests come, the less each of them costs.
/// </summary>
/// <typeparam name="TRequest">A request, which completes its caller itself.</typeparam>
/// <param name="take">
/// Takes the next batch out of the waiting requests, which are in order of arrival. Called under the lock of
/// <see cref="Add"/>. An empty batch means that there is nothing to do.
/// </param>
/// <param name="flush">
/// Makes the call for one batch. It must complete every request of the batch, since a caller that is never completed
/// hangs, and must not throw.
/// </param>
/// <remarks>
/// By design: no limit on waiting requests. Each belongs to a request that the host has admitted, and the host limits
/// those.
/// </remarks>
public sealed class Coalescer<TRequest>(
    Func<Queue<TRequest>, List<TRequest>> take, Func<List<TRequest>, Task> flush)
{
    private readonly Lock gate = new();
    private readonly Queue<TRequest> waiting = [];
    private bool isFlushing;

    /// <summary>Adds a request. It goes with the call that begins now, or with the next one.</summary>
    public void Add(TRequest request)
    {
        lock (gate)
        {
            waiting.Enqueue(request);
            if (isFlushing) return;
            isFlushing = true;
        }

        // Only the first call runs in its caller's context. The calls that follow it would keep that context alive.
        using AsyncFlowControl? detached =
            ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        _ = FlushWaitingAsync();
    }

    /// <summary>Takes all requests that wait for the next call, so that they can fail with the one under way.</summary>
    public List<TRequest> TakeWaiting()
    {
        lock (gate)
        {
            List<TRequest> taken = [.. waiting];
            waiting.Clear();
            return taken;
        }
    }

    private async Task FlushWaitingAsync()
    {
        while (TakeNext() is { Count: > 0 } batch) await flush(batch);
    }

    private List<TRequest> TakeNext()
    {
        lock (gate)
        {
            var batch = take(waiting);
            isFlushing = batch.Count > 0;
            return batch;
        }
    }
}

/// <summary>How batches are taken.</summary>
public static class Coalescer
{
    /// <summary>A batch of up to <paramref name="most"/> requests, in order of arrival.</summary>
    public static List<TRequest> Take<TRequest>(Queue<TRequest> waiting, int most)
    {
        var taken = new List<TRequest>(Math.Min(waiting.Count, most));
        while (taken.Count < most && waiting.TryDequeue(out var next)) taken.Add(next);
        return taken;
    }
}
