using Inventory.Gateway.BotGuard;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>Which of the taken units count for a SKU, and so for all shoppers.</summary>
public sealed class TakenUnitsTests : IDisposable
{
    private const string Home = "203.0.113.9";

    private readonly FakeTimeProvider time = new();
    private readonly TakenUnits counts;

    public TakenUnitsTests() => counts = new(Options.Create(new GuardOptions { Units = 10, SessionUnits = 20 }), time);

    public void Dispose() => counts.Dispose();

    [Fact]
    public void Of_one_session_no_more_units_count_for_SKUs_than_tighten_the_session()
    {
        counts.Add("shoe=100", "ann", Home);
        for (var i = 0; i < 10; i++) counts.Add("shoe=19,sock=19", "ann", Home);
        counts.Add("shoe=7", "bob", Home);

        Assert.Equal(27, counts.Collect().Where(one => one.Who.StartsWith("sku:", StringComparison.Ordinal))
            .Sum(one => one.Units));
    }

    [Fact]
    public void Units_count_again_when_those_before_have_left_the_window()
    {
        counts.Add("shoe=100", "ann", Home);
        Assert.Equal(20, Collected("sku:shoe"));
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, Collected("sku:shoe"));
        counts.Add("shoe=5", "ann", Home);
        Assert.Equal(0, Collected("sku:shoe"));
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, Collected("sku:shoe"));

        counts.Add("shoe=15", "ann", Home);

        Assert.Equal(15, Collected("sku:shoe"));
    }

    [Fact]
    public void All_units_of_callers_that_name_their_customers_themselves_count()
    {
        counts.Add("shoe=100", null, null);

        Assert.Equal(100, Collected("sku:shoe"));
    }

    private long Collected(string who) => counts.Collect().Where(one => one.Who == who).Sum(one => one.Units);
}
