using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Calls of one script in one partition, shared by those who ask at the same time. Who finds none under way goes at
/// once; who comes while one is goes with the next. So nobody waits for company, and the more come, the less each of
/// them costs Redis (ADR 0018).
/// </summary>
/// <param name="guard">The connection.</param>
/// <param name="script">It decides several requests in a call, one after the other, and answers each.</param>
/// <param name="partition">Where.</param>
/// <param name="common">Arguments before those of the requests.</param>
internal sealed class SharedCalls(RunGuard guard, Script script, Partition partition, params RedisValue[] common)
{
    // Bound how long Redis serves nobody else: about 30 µs a request, and 10 µs a line more.
    private const int MaxRequests = 64;
    private const int MaxLines = 256;

    private readonly RedisKey[] keys = [partition.Epoch, partition.Events, partition.Due];
    private readonly Lock gate = new();
    private readonly Queue<Request> waiting = new();
    // Those who have to ask again. They are first in the next, so that nobody overtakes them.
    private List<Request> again = [];
    private bool isUnderWay;

    /// <summary>The outcome that means: ask again. Null where the script has none.</summary>
    public string? Again { get; init; }

    /// <summary>Has one request decided.</summary>
    /// <param name="lines">How many lines it has.</param>
    /// <param name="arguments">What the script is given for it.</param>
    /// <returns>Its own reply. What its call comes to is thrown at each who shared it.</returns>
    public Task<RedisResult> AskAsync(int lines, params RedisValue[] arguments)
    {
        var request = new Request(lines, arguments);
        lock (gate)
        {
            waiting.Enqueue(request);
            if (isUnderWay) return request.Task;
            isUnderWay = true;
        }

        // The first call is its caller's own. Those that follow are nobody's, and keep nobody's context alive.
        using AsyncFlowControl? detached =
            ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        _ = WorkOffAsync();
        return request.Task;
    }

    private async Task WorkOffAsync()
    {
        while (TakeNext() is { } requests) await DecideAsync(requests);
    }

    private List<Request>? TakeNext()
    {
        lock (gate)
        {
            isUnderWay = again.Count + waiting.Count > 0;
            if (!isUnderWay) return null;
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
    }

    private async Task DecideAsync(List<Request> requests)
    {
        try
        {
            var reply = await script.RunAsync(guard, keys, ArgumentsOf(requests));
            for (var i = 0; i < requests.Count; i++)
            {
                // Fenced, it says so once.
                var own = reply.Length < 0 ? reply : reply[i];
                if (IsAgain(own)) again.Add(requests[i]);
                else if (own.Resp2Type == ResultType.SimpleString) requests[i].SetException(FailureOf(own));
                else requests[i].SetResult(own);
            }
        }
        // Whatever it is, it is theirs to name: who isn't told waits for ever.
        catch (Exception failure)
        {
            foreach (var request in requests) request.TrySetException(failure);
            // Alone, those behind it would have been sent on the same connection by now and have failed with it; so
            // nobody waits longer for a Redis that hangs than one call may take.
            if (failure is RedisConnectionException or RedisTimeoutException) FailWaiting(failure);
        }
    }

    private bool IsAgain(RedisResult reply) =>
        Again is not null && reply.Resp2Type == ResultType.BulkString && (string?)reply == Again;

    // lua/shared/together.lua says why a request's own failure is a status reply.
    private static RedisServerException FailureOf(RedisResult reply) =>
        new(RedisErrorKind.Unknown, CommandFlags.None, (string)reply!);

    private void FailWaiting(Exception failure)
    {
        lock (gate)
        {
            while (waiting.TryDequeue(out var request)) request.SetException(failure);
        }
    }

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

    /// <summary>One who asked.</summary>
    private sealed class Request(int lines, RedisValue[] arguments)
        : TaskCompletionSource<RedisResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public RedisValue[] Arguments => arguments;

        public int Lines => lines;
    }
}
