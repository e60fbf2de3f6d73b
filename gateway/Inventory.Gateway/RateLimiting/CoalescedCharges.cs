using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>A request to be charged, and its reply.</summary>
/// <param name="set">The budgets to charge.</param>
/// <param name="who">The caller's identities.</param>
/// <param name="mayBegin">Whether a session that Redis doesn't know begins; otherwise it has ended.</param>
internal sealed class Charge(BudgetSet set, Identities who, bool mayBegin)
    : TaskCompletionSource<RedisResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Appends the keys and arguments that <c>rate_limit.lua</c> reads.</summary>
    /// <param name="keys">The call's keys.</param>
    /// <param name="arguments">The call's arguments.</param>
    /// <param name="idle">After how many ms without a request a session ends.</param>
    public void WriteTo(List<RedisKey> keys, List<RedisValue> arguments, RedisValue idle)
    {
        keys.Add(SharedLimiter.SessionKey(who.Subject));
        arguments.AddRange(
            [set.Budgets.Count, who.Subject is null ? 0 : idle, mayBegin ? 1 : 0]);
        foreach (var budget in set.Budgets)
        {
            keys.Add(budget.KeyPrefix + who.Of(budget.Kind));
            arguments.Add(budget.RedisPermits);
            arguments.Add(budget.RedisWindow);
        }
    }

    /// <summary>
    /// Completes it with its reply from <c>rate_limit.lua</c>: five numbers, or a status that says what failed.
    /// </summary>
    public void Settle(RedisResult reply)
    {
        if (reply.Resp2Type != ResultType.SimpleString) SetResult(reply);
        else SetException(RedisCalls.Refusal((string)reply!));
    }
}

/// <summary>
/// Calls of <c>rate_limit.lua</c> that requests of the same moment share. See <see cref="Coalescer{T}"/>.
/// </summary>
internal sealed class CoalescedCharges
{
    // Limits how long one call keeps Redis from other clients, at some 10 µs a request.
    private const int MaxRequests = 64;

    private readonly IConnectionMultiplexer redis;
    private readonly RedisValue idle;
    private readonly TimeSpan patience;
    private readonly Coalescer<Charge> calls;

    /// <summary>Prepares the calls.</summary>
    /// <param name="redis">The connection.</param>
    /// <param name="idle">After how many ms without a request a session ends.</param>
    /// <param name="patience">Longest wait for a call.</param>
    public CoalescedCharges(IConnectionMultiplexer redis, RedisValue idle, TimeSpan patience)
    {
        (this.redis, this.idle, this.patience) = (redis, idle, patience);
        calls = new(waiting => Coalescer.Take(waiting, MaxRequests), CallAsync);
    }

    /// <summary>Charges a request.</summary>
    /// <returns>
    /// The script's answer to this request. When its call fails, or the call before that it waited for, the failure is
    /// thrown at every request concerned.
    /// </returns>
    public Task<RedisResult> AskAsync(Charge charge)
    {
        calls.Add(charge);
        return charge.Task;
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
        // The callers know what to do about each kind of failure. A caller that is never completed would hang.
        catch (Exception failure)
        {
            foreach (var charge in charges) charge.TrySetException(failure);
            if (failure is not StoreException) return;
            // The waiting requests have waited as long as these. A second call to a Redis that hangs would double that.
            foreach (var charge in calls.TakeWaiting()) charge.SetException(failure);
        }
    }
}
