using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Calls of one script in one partition that requests of the same moment share. See <see cref="Coalescer{T}"/>.
/// </summary>
internal sealed class CoalescedCalls
{
    // Limit how long one call blocks Redis: about 30 µs a request, and 10 µs for each further line.
    private const int MaxRequests = 64;
    private const int MaxLines = 256;

    private readonly RunGuard guard;
    private readonly Script script;
    private readonly RedisValue[] common;
    private readonly RedisKey[] keys;
    private readonly Coalescer<Request> calls;

    // Requests that the script asked to repeat. They come first in the next call, so that no later request passes them.
    private List<Request> again = [];

    /// <summary>Prepares calls of a script.</summary>
    /// <param name="guard">The connection.</param>
    /// <param name="script">
    /// The script. It decides several requests in one call, one after the other, and answers
    /// each.
    /// </param>
    /// <param name="partition">The partition.</param>
    /// <param name="common">Arguments before those of the requests.</param>
    public CoalescedCalls(RunGuard guard, Script script, Partition partition, params RedisValue[] common)
    {
        (this.guard, this.script, this.common) = (guard, script, common);
        keys = [partition.Epoch, partition.Events, partition.Due];
        calls = new(Take, DecideAsync);
    }

    /// <summary>The outcome that asks the caller to repeat the request. Null where the script has none.</summary>
    public string? Again { get; init; }

    /// <summary>Sends one request and returns its reply.</summary>
    /// <param name="lines">The number of its lines.</param>
    /// <param name="arguments">The request's arguments for the script.</param>
    /// <returns>The request's own reply. A failure of the call is thrown to every request in it.</returns>
    public Task<RedisResult> AskAsync(int lines, params RedisValue[] arguments)
    {
        var request = new Request(lines, arguments);
        calls.Add(request);
        return request.Task;
    }

    private List<Request> Take(Queue<Request> waiting)
    {
        var (taken, lines) = (again, again.Sum(request => request.Lines));
        again = [];
        while (taken.Count < MaxRequests && waiting.TryPeek(out var next))
        {
            lines += next.Lines;
            if (taken.Count > 0 && lines > MaxLines) break;
            taken.Add(waiting.Dequeue());
        }

        return taken;
    }

    private async Task DecideAsync(List<Request> requests)
    {
        try
        {
            var reply = await script.RunAsync(guard, keys, ArgumentsOf(requests));
            for (var i = 0; i < requests.Count; i++)
            {
                // A fenced partition answers once for all requests of the call.
                var own = reply.Length < 0 ? reply : reply[i];
                if (IsAgain(own)) again.Add(requests[i]);
                else if (own.Resp2Type == ResultType.SimpleString) requests[i].SetException(Failure(own));
                else requests[i].SetResult(own);
            }
        }
        // The callers know what to do about each kind of failure. A caller that is never completed would hang.
        catch (Exception failure)
        {
            foreach (var request in requests) request.TrySetException(failure);
            if (failure is not (StoreUnavailableException or StoreUnansweredException)) return;
            // Without coalescing, the requests behind these would have been sent on the same connection by now and have
            // failed with it. So no request waits for a Redis that hangs longer than one call may take.
            foreach (var request in calls.TakeWaiting()) request.SetException(failure);
        }
    }

    private bool IsAgain(RedisResult reply) =>
        Again is not null && reply.Resp2Type == ResultType.BulkString && (string?)reply == Again;

    // lua/shared/together.lua says why a request's own failure is a status reply.
    private static StoreException Failure(RedisResult reply) => RedisCalls.Refusal((string)reply!);

    private RedisValue[] ArgumentsOf(List<Request> requests)
    {
        var arguments = new RedisValue[common.Length + requests.Sum(request => request.Arguments.Length)];
        common.CopyTo(arguments, 0);
        var at = common.Length;
        foreach (var request in requests)
        {
            request.Arguments.CopyTo(arguments, at);
            at += request.Arguments.Length;
        }

        return arguments;
    }

    /// <summary>A request and its caller.</summary>
    private sealed class Request(int lines, RedisValue[] arguments)
        : TaskCompletionSource<RedisResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public RedisValue[] Arguments => arguments;

        public int Lines => lines;
    }
}
