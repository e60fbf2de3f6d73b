using Inventory.ReservationApi.Problems;
using Inventory.Storage;

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
        Assert.True(Failures.IsLedgerUnavailable(new StoreUnansweredException(Store.PostgreSql, ""), caller));
        Assert.Equal(!hasGone, Failures.IsLedgerUnavailable(new OperationCanceledException(caller), caller));
        Assert.False(Failures.IsLedgerUnavailable(new InvalidDataException(), caller));
        Assert.False(Failures.IsLedgerUnavailable(new StoreUnansweredException(Store.Redis, ""), caller));
    }

    [Fact]
    public void An_outage_of_Redis_is_told_from_one_of_PostgreSQL_and_from_corrupt_data()
    {
        Assert.True(Failures.IsStockUnavailable(new StoreUnansweredException(Store.Redis, "")));
        Assert.False(Failures.IsStockUnavailable(new StoreUnansweredException(Store.PostgreSql, "")));
        Assert.False(Failures.IsStockUnavailable(new CorruptDataException("sku", "what")));
    }
}
