using Inventory.Gateway.RateLimiting;
using Inventory.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Inventory.Gateway.Tests.RateLimiting;

/// <summary>While Redis is unstable, a gateway doesn't switch between shared and local limits each time.</summary>
public sealed class LimiterCircuitTests
{
    private readonly FakeTimeProvider time = new();
    private readonly LimiterCircuit circuit;

    public LimiterCircuitTests() => circuit = new(time, NullLogger<LimiterCircuit>.Instance);

    [Fact]
    public void The_pause_before_a_probe_grows_each_time_Redis_is_slow_again_soon_after_a_recovery()
    {
        var rests = new List<int>();
        for (var turn = 0; turn < 7; turn++)
        {
            BeSlow();
            rests.Add(RestBefore());
            circuit.Close();
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([0, 2, 4, 8, 16, 30, 30], rests);
        time.Advance(TimeSpan.FromSeconds(10));
        BeSlow();
        Assert.Equal(0, RestBefore());
    }

    [Fact]
    public void A_broken_connection_allows_a_probe_at_once()
    {
        for (var turn = 0; turn < 3; turn++)
        {
            circuit.Failed(new StoreUnansweredException(Store.Redis, "gone") { IsDisconnected = true });
            Assert.Equal((true, 0), (circuit.IsOpen, RestBefore()));
            circuit.Close();
        }

        Assert.False(circuit.MayProbe);
    }

    [Fact]
    public void A_local_budget_that_is_used_up_stays_used_up_after_a_short_recovery_of_Redis()
    {
        using var limiter = new LocalLimiter(Options.Create(new RateLimitOptions()), time);
        var budget = new Budget(
            "test", IdentityKind.Address, new RateBudget { Permits = 3, Window = TimeSpan.FromMinutes(1) });
        int Passed() => Enumerable.Range(0, 5).Count(_ => limiter.Take(
            new BudgetSet(budget), new Identities(null, null, "192.0.2.1")).Outcome == RateLimitOutcome.Admitted);

        Assert.Equal(3, Passed());
        limiter.ForgetUnused();
        time.Advance(TimeSpan.FromSeconds(59));
        limiter.ForgetUnused();
        Assert.Equal(0, Passed());
        time.Advance(TimeSpan.FromSeconds(61));
        limiter.ForgetUnused();
        Assert.Equal(3, Passed());
    }

    private void BeSlow()
    {
        while (!circuit.IsOpen) circuit.Failed(RedisCalls.Late(null));
    }

    /// <summary>Seconds until the circuit allows a probe of Redis.</summary>
    private int RestBefore()
    {
        for (var waited = 0; ; waited++)
        {
            if (circuit.MayProbe) return waited;
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
