using Inventory.Contracts;
using Inventory.Gateway.Sessions;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>
/// Counts for all gateways, in Redis: a request is charged to all of its budgets in one step. Has no verdict when Redis
/// doesn't answer in time.
/// </summary>
internal sealed class SharedLimiter(
    IConnectionMultiplexer redis,
    LimiterCircuit circuit,
    IOptions<RateLimitOptions> limits,
    IOptions<ShopperSessionOptions> sessions)
{
    private static readonly BudgetSet Nothing = new(
        new Budget("probe", IdentityKind.Address, new RateBudget { Permits = int.MaxValue }));

    private readonly CoalescedCharges charges = new(
        redis, (long)sessions.Value.IdleTimeout.TotalMilliseconds, limits.Value.Patience);

    /// <summary>Charges a request; null when Redis is unavailable, which the circuit records.</summary>
    /// <param name="set">The budgets to charge.</param>
    /// <param name="who">The caller's identities.</param>
    /// <param name="mayBegin">Whether a session that Redis doesn't know begins; otherwise it has ended.</param>
    public async ValueTask<Verdict?> TakeAsync(BudgetSet set, Identities who, bool mayBegin)
    {
        if (set.Budgets.Count == 0 && who.Subject is null) return Verdict.Unlimited;
        if (circuit.IsOpen) return null;
        try
        {
            var verdict = await AskAsync(set, who, mayBegin);
            circuit.Succeeded();
            return verdict;
        }
        catch (StoreException e)
        {
            circuit.Failed(e);
            return null;
        }
    }

    /// <summary>Whether Redis runs this limiter's script; a Redis that answers may still refuse to write.</summary>
    public async Task<bool> ProbeAsync()
    {
        try
        {
            await AskAsync(Nothing, new Identities(null, null, "probe"), mayBegin: false);
            return true;
        }
        catch (StoreException)
        {
            // Redis is still unavailable, which was logged when the circuit opened.
            return false;
        }
    }

    private async Task<Verdict> AskAsync(BudgetSet set, Identities who, bool mayBegin) =>
        Read(set, (long[])(await charges.AskAsync(new Charge(set, who, mayBegin)))!);

    /// <summary>The key of a session's record.</summary>
    public static string SessionKey(string? subject) => $"{GatewayKeys.Tag}:session:{subject}";

    private static Verdict Read(BudgetSet set, long[] reply) => new(
        (RateLimitOutcome)reply[0],
        (SessionState)reply[1],
        reply[2] == 0 ? null : set.Budgets[(int)reply[2] - 1],
        reply[3],
        TimeSpan.FromMilliseconds(reply[4]),
        Shared: true);
}
