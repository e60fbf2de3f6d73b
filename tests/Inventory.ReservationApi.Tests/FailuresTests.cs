using Inventory.ReservationApi.Problems;
using Npgsql;

namespace Inventory.ReservationApi.Tests;

/// <summary>Who has gone away: PostgreSQL, the caller, or both at the same moment.</summary>
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
}
