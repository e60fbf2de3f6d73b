using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.BotGuard;

/// <summary>What <c>guard_admit.lua</c> says about a request with a solution.</summary>
internal enum GuardOutcome
{
    /// <summary>The solution is spent, and the shopper's next attempt is later.</summary>
    Admitted = 1,

    /// <summary>The solution was spent before.</summary>
    Spent = -1,

    /// <summary>The shopper's last attempt was too recent; the solution stays valid.</summary>
    TooEarly = -2,
}

/// <summary>
/// Spends solutions and attempts for all gateways, in Redis. While Redis is unavailable, each gateway uses its own
/// memory: then a solution may be spent once at each.
/// </summary>
internal sealed class ChallengeAttempts(
    IConnectionMultiplexer redis,
    LimiterCircuit circuit,
    IOptions<GuardOptions> options,
    IOptions<RateLimitOptions> limits,
    TimeProvider time)
{
    // Some 20 MiB. When it is full, it is cleared: no shopper is refused for lack of memory.
    private const int MostRemembered = 100_000;

    private static readonly string Prefix = $"{GatewayKeys.Guard}:";

    private readonly Lock gate = new();
    private readonly Dictionary<string, long> until = new(StringComparer.Ordinal);

    /// <summary>Spends one solution and one attempt, or neither.</summary>
    /// <param name="challenge">The challenge that was solved.</param>
    /// <param name="subject">The shopper.</param>
    /// <returns>The outcome, and for <see cref="GuardOutcome.TooEarly"/> the time until the next attempt.</returns>
    public async ValueTask<(GuardOutcome Outcome, TimeSpan Wait)> TakeAsync(string challenge, string subject)
    {
        var (spent, turn) = ("spent:" + challenge, "turn:" + subject);
        if (circuit.IsOpen) return TakeFromMemory(spent, turn);
        try
        {
            var reply = (long[])(await Script.GuardAdmit.RunAsync(
                redis.GetDatabase(),
                [Prefix + spent, Prefix + turn],
                [Milliseconds(options.Value.ChallengeLifetime), Milliseconds(options.Value.Turn)],
                limits.Value.Patience))!;
            circuit.Succeeded();
            // For the case that Redis becomes unavailable.
            if (reply[0] == (long)GuardOutcome.Admitted) Remember(spent, turn);
            return ((GuardOutcome)reply[0], TimeSpan.FromMilliseconds(reply[1]));
        }
        catch (StoreException e)
        {
            circuit.Failed(e);
            return TakeFromMemory(spent, turn);
        }
    }

    private (GuardOutcome Outcome, TimeSpan Wait) TakeFromMemory(string spent, string turn)
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            if (this.until.TryGetValue(spent, out var until) && until > now) return (GuardOutcome.Spent, TimeSpan.Zero);
            if (this.until.TryGetValue(turn, out until) && until > now)
            {
                return (GuardOutcome.TooEarly, time.GetElapsedTime(now, until));
            }

            Remember(spent, turn);
            return (GuardOutcome.Admitted, TimeSpan.Zero);
        }
    }

    private void Remember(string spent, string turn)
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            if (this.until.Count >= MostRemembered)
            {
                foreach (var (what, until) in this.until)
                {
                    if (until <= now) this.until.Remove(what);
                }

                if (this.until.Count >= MostRemembered) this.until.Clear();
            }

            this.until[spent] = now + Ticks(options.Value.ChallengeLifetime);
            this.until[turn] = now + Ticks(options.Value.Turn);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static RedisValue Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
