using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Products;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Problems;

/// <summary>Tells apart outages of PostgreSQL and Redis, and callers that have disconnected.</summary>
public sealed class FailuresTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_ledger_outage_is_recognized_whether_or_not_the_caller_has_disconnected(bool hasGone)
    {
        var caller = new CancellationToken(hasGone);

        Assert.True(Failures.IsLedgerUnavailable(new TimeoutException("No answer in time."), caller));
        Assert.True(Failures.IsLedgerUnavailable(new NpgsqlException("", new IOException()), caller));
        Assert.Equal(!hasGone, Failures.IsLedgerUnavailable(new OperationCanceledException(caller), caller));
        Assert.False(Failures.IsLedgerUnavailable(new InvalidDataException(), caller));
    }

    [Fact]
    public void Exceptions_of_a_socket_or_pipe_that_breaks_during_a_write_count_as_an_outage()
    {
        Assert.True(SharedProducts.IsUnavailableBy(new IOException("Broken pipe")));
        Assert.True(SharedProducts.IsUnavailableBy(new InvalidOperationException("Writing is not allowed.")));
        Assert.True(SharedProducts.IsUnavailableBy(
            new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "")));
        Assert.False(SharedProducts.IsUnavailableBy(new NotSupportedException()));
    }
}
