using System.Net.Sockets;
using System.Security.Cryptography;
using Inventory.Gateway.Admission;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests;

/// <summary>A Redis that comes and goes: who counts doesn't change with each of its moods.</summary>
public sealed class LimiterCircuitTests
{
    private readonly FakeTimeProvider time = new();
    private readonly LimiterCircuit circuit;

    public LimiterCircuitTests() => circuit = new(time, NullLogger<LimiterCircuit>.Instance);

    [Fact]
    public void Who_is_slow_again_soon_after_being_back_is_left_alone_for_longer_each_time()
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
    public void A_connection_that_breaks_while_it_writes_is_an_outage_in_the_words_of_its_socket_or_its_pipe_too()
    {
        Assert.True(RedisOutage.Is(new IOException("Broken pipe")));
        Assert.True(RedisOutage.Is(new InvalidOperationException("Writing is not allowed.")));
        Assert.True(RedisOutage.Is(
            new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "")));
        Assert.False(RedisOutage.Is(new NotSupportedException()));
    }

    [Fact]
    public void An_outage_is_found_between_what_wraps_it_and_what_caused_it()
    {
        var refused = new SocketException((int)SocketError.ConnectionRefused);
        var broken = new RedisConnectionException(
            ConnectionFailureType.UnableToConnect, CommandFlags.None, "", refused);

        Assert.True(RedisOutage.Caused(new CryptographicException("", broken)));
        Assert.False(RedisOutage.Caused(new CryptographicException("", new NotSupportedException())));
    }

    [Fact]
    public void Whose_connection_breaks_is_looked_for_at_once()
    {
        for (var turn = 0; turn < 3; turn++)
        {
            circuit.Failed(new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "gone"));
            Assert.Equal((true, 0), (circuit.IsOpen, RestBefore()));
            circuit.Close();
        }

        Assert.False(circuit.MayProbe);
    }

    [Fact]
    public void A_budget_that_was_used_up_without_redis_is_not_new_when_redis_was_back_for_a_moment()
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
        while (!circuit.IsOpen) circuit.Failed(new TimeoutException());
    }

    /// <summary>Seconds until Redis is looked for.</summary>
    private int RestBefore()
    {
        for (var waited = 0; ; waited++)
        {
            if (circuit.MayProbe) return waited;
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
