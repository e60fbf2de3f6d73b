using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Options;

namespace Inventory.ExpirationWorker;

/// <summary>
/// Expires holds past their deadline. Any number of instances may run: a script call is atomic, so a hold expires once.
/// </summary>
public sealed partial class HoldExpirer(
    HoldStore holds,
    IOptions<ExpirationOptions> options,
    ExpirationMetrics metrics,
    TimeProvider time,
    ILogger<HoldExpirer> log) : BackgroundService
{
    // Why the last sweep failed: empty for any outage, null when it did not fail.
    private string? failing;

    /// <summary>Expires all holds that are due now, a batch at a time.</summary>
    /// <returns>The number of expired holds.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        ExpireAnswer answer;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            answer = await holds.ExpireAsync(options.Value.BatchSize);
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
                if (count > 0) Expired(count);
                if (failing is not null) Recovered();
                failing = null;
            }
            catch (StoreException e)
            {
                // The next tick retries. Until then holds only live longer, which no invariant forbids.
                var reason = e.IsOutage ? "" : e.Message;
                if (failing != reason) CannotExpire(e.IsOutage ? LogLevel.Warning : LogLevel.Error, e.Message);
                failing = reason;
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Information, "Expired {Count} holds.")]
    private partial void Expired(int count);

    [LoggerMessage(EventId = 2, Message = "Due holds can't expire at the moment, and are tried again: {Reason}")]
    private partial void CannotExpire(LogLevel level, string reason);

    [LoggerMessage(3, LogLevel.Information, "Due holds expire again.")]
    private partial void Recovered();
}
