using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

/// <summary>A request that asks to be charged.</summary>
/// <param name="set">What to.</param>
/// <param name="who">Who makes it.</param>
/// <param name="mayBegin">Whether a session that Redis doesn't know begins with it, or has ended.</param>
internal sealed class Charge(BudgetSet set, Identities who, bool mayBegin)
    : TaskCompletionSource<RedisResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Writes it as <c>rate_limit.lua</c> reads it.</summary>
    /// <param name="keys">Gets its keys.</param>
    /// <param name="arguments">Gets its arguments.</param>
    /// <param name="idle">After how many ms without a request a session ends.</param>
    public void WriteTo(List<RedisKey> keys, List<RedisValue> arguments, RedisValue idle)
    {
        keys.Add(SharedLimiter.SessionKey(who.Subject));
        arguments.AddRange(
            [set.Budgets.Count, set.OfSession, who.Subject is null ? 0 : idle, mayBegin ? 1 : 0]);
        foreach (var budget in set.Budgets)
        {
            keys.Add(budget.KeyPrefix + who.Of(budget.Kind));
            arguments.Add(budget.RedisPermits);
            arguments.Add(budget.RedisWindow);
        }
    }

    /// <summary>
    /// Completes it with what <c>rate_limit.lua</c> says of it: five numbers, or a status that says what failed.
    /// </summary>
    public void Settle(RedisResult reply)
    {
        if (reply.Resp2Type != ResultType.SimpleString) SetResult(reply);
        else SetException(new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, (string)reply!));
    }
}

/// <summary>
/// Calls of <c>rate_limit.lua</c>, shared by requests that come at the same time. Who finds none under way goes at
/// once; who comes while one is goes with the next. So nobody waits for company, and the more come, the less each of
/// them costs this process and Redis (ADR 0018).
/// </summary>
/// <param name="redis">The connection.</param>
/// <param name="idle">After how many ms without a request a session ends.</param>
/// <param name="patience">Longest wait for a call.</param>
internal sealed class SharedCharges(IConnectionMultiplexer redis, RedisValue idle, TimeSpan patience)
{
    // Bounds how long Redis serves nobody else, at some 10 µs a request.
    private const int MaxRequests = 64;

    private readonly Lock _gate = new();
    private readonly Queue<Charge> _waiting = new();
    private bool _isUnderWay;

    /// <summary>Has a request charged.</summary>
    /// <returns>
    /// What the script says of it. What the call comes to that it goes with, or the one before that it waited for, is
    /// thrown at each who asked.
    /// </returns>
    public Task<RedisResult> AskAsync(Charge charge)
    {
        lock (_gate)
        {
            _waiting.Enqueue(charge);
            if (_isUnderWay) return charge.Task;
            _isUnderWay = true;
        }

        // What follows the first call is no request's own, and keeps none's context alive.
        using AsyncFlowControl? detached =
            ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        _ = WorkOffAsync();
        return charge.Task;
    }

    private async Task WorkOffAsync()
    {
        while (TakeNext() is { } charges) await CallAsync(charges);
    }

    private List<Charge>? TakeNext()
    {
        lock (_gate)
        {
            _isUnderWay = _waiting.Count > 0;
            if (!_isUnderWay) return null;
            var taken = new List<Charge>(Math.Min(_waiting.Count, MaxRequests));
            while (taken.Count < MaxRequests && _waiting.TryDequeue(out var next)) taken.Add(next);
            return taken;
        }
    }

    private async Task CallAsync(List<Charge> charges)
    {
        try
        {
            var (keys, arguments) = (new List<RedisKey>(), new List<RedisValue>());
            foreach (var charge in charges) charge.WriteTo(keys, arguments, idle);
            var reply = (RedisResult[])(await Script.RateLimit.RunAsync(
                redis.GetDatabase(), [.. keys], [.. arguments], patience))!;
            for (var i = 0; i < charges.Count; i++) charges[i].Settle(reply[i]);
        }
        // Whatever it is, it is theirs to name: who isn't told waits for ever.
        catch (Exception failure)
        {
            foreach (var charge in charges) charge.TrySetException(failure);
            // They have waited as long, and nobody waits for two calls of a Redis that hangs.
            if (RedisOutage.Is(failure)) FailWaiting(failure);
        }
    }

    private void FailWaiting(Exception failure)
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out var charge)) charge.SetException(failure);
        }
    }
}
