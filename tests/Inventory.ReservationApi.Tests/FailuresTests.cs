using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Products;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests;

/// <summary>Who has gone away: PostgreSQL, Redis, the caller, or two of them at the same moment.</summary>
public sealed class FailuresTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_ledger_that_goes_away_is_away_whether_or_not_its_caller_has_gone(bool hasGone)
    {
        var caller = new CancellationToken(hasGone);

        Assert.True(Failures.IsLedgerAway(new TimeoutException("No answer in time."), caller));
        Assert.True(Failures.IsLedgerAway(new NpgsqlException("", new IOException()), caller));
        Assert.Equal(!hasGone, Failures.IsLedgerAway(new OperationCanceledException(caller), caller));
        Assert.False(Failures.IsLedgerAway(new InvalidDataException(), caller));
    }

    [Fact]
    public void A_connection_that_breaks_while_it_writes_is_an_outage_in_the_words_of_its_socket_or_its_pipe_too()
    {
        Assert.True(SharedProducts.IsAwayBy(new IOException("Broken pipe")));
        Assert.True(SharedProducts.IsAwayBy(new InvalidOperationException("Writing is not allowed.")));
        Assert.True(SharedProducts.IsAwayBy(
            new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "")));
        Assert.False(SharedProducts.IsAwayBy(new NotSupportedException()));
    }
}
