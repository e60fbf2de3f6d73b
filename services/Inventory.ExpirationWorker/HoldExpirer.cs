using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ExpirationWorker;

/// <summary>
/// Gives abandoned holds back. Any number of instances may run: a script call is one step, so a hold is given back
/// once, whoever asks.
/// </summary>
public sealed partial class HoldExpirer(
    StockEngine stock,
    IOptions<ExpirationOptions> options,
    ExpirationMetrics metrics,
    TimeProvider time,
    ILogger<HoldExpirer> log) : BackgroundService
{
    private bool failing;

    /// <summary>Gives back everything that is due now, a batch at a time.</summary>
    /// <returns>How many holds it gave back.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        ExpireAnswer answer;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            answer = await stock.ExpireAsync(options.Value.BatchSize);
            foreach (var late in answer.Lateness) metrics.Expired(late);
            count += answer.Lateness.Count;
        }
        while (answer.Outcome == ExpireOutcome.MoreDue);

        return count;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(options.Value.Interval, time);
        do
        {
            try
            {
                var count = await SweepAsync(stoppingToken);
                if (count > 0) GaveBack(count);
                if (failing) Recovered();
                failing = false;
            }
            catch (Exception e) when (StockOutage.Explains(e))
            {
                // The next tick retries. Until then holds only live longer, which no invariant forbids.
                if (!failing) RedisIsAway(e.Message);
                failing = true;
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Information, "Gave back {Count} holds whose deadline had passed.")]
    private partial void GaveBack(int count);

    [LoggerMessage(2, LogLevel.Warning, "Redis is away; due holds wait until it is back. {Reason}")]
    private partial void RedisIsAway(string reason);

    [LoggerMessage(3, LogLevel.Information, "Redis is back; giving back due holds again.")]
    private partial void Recovered();
}
