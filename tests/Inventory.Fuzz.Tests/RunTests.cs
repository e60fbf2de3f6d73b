namespace Inventory.Fuzz.Tests;

/// <summary>A short run of the fuzzer; <c>eng/fuzz.sh</c> makes long ones.</summary>
public sealed class RunTests
{
    [Fact]
    public async Task Every_answer_to_20_000_calls_is_one_that_the_document_allows()
    {
        await using var product = await Product.StartAsync();

        var outcome = await FuzzRun.CarryOutAsync(
            new() { Seed = 20261130, Calls = 20_000 }, product, CancellationToken.None);

        Assert.True(outcome.Findings.Count == 0, FuzzReport.Findings(outcome));
        Assert.Equal(20_000, outcome.Calls);
        // A run that reaches no operation would find nothing. An event that can't be stored remains one, so its replay
        // is always refused.
        Assert.True(outcome.NeverDone is [] or ["ReplayDeadLetter"], FuzzReport.Coverage(outcome));
    }
}
