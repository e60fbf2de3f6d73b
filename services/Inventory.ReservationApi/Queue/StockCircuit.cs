using Inventory.Storage;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;

namespace Inventory.ReservationApi.Queue;

/// <summary>
/// The circuit breaker between this API and Redis. Some failures in a row open it, so that callers don't wait for
/// Redis; <see cref="StockProbe"/> finds out when Redis is back, so that no caller's request has to.
/// </summary>
/// <remarks>
/// Polly counts the ratio of failures, which thousands of good calls a second would keep low for long. So this class
/// counts failures in a row, and Polly opens at the first failure that this class reports to it.
/// </remarks>
internal sealed partial class StockCircuit
{
    private readonly ResiliencePipeline pipeline;
    private readonly StockCircuitOptions settings;
    private readonly ILogger<StockCircuit> log;
    private readonly TimeProvider time;
    private int failures;
    private long openedAt;
    private volatile bool isOpen;

    public StockCircuit(IOptions<StockCircuitOptions> options, TimeProvider time, ILogger<StockCircuit> log)
    {
        (settings, this.time, this.log) = (options.Value, time, log);
        pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new()
            {
                FailureRatio = 0,
                MinimumThroughput = 2,
                SamplingDuration = TimeSpan.FromMinutes(1),
                BreakDuration = settings.BreakTime,
                ShouldHandle = outcome => ValueTask.FromResult(ShouldOpenCircuit(outcome.Outcome.Exception)),
                OnOpened = opened =>
                {
                    Open(opened.Outcome.Exception);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    /// <summary>Whether the circuit is open: calls are not sent to Redis.</summary>
    internal bool IsOpen => isOpen;

    /// <summary>The least time until Redis can be used again; zero while the circuit is closed.</summary>
    internal TimeSpan Unavailable => isOpen ? settings.BreakTime : TimeSpan.Zero;

    /// <summary>Calls Redis, unless the circuit is open.</summary>
    /// <param name="ask">The call.</param>
    /// <exception cref="StockCircuitOpenException">The call was not begun.</exception>
    /// <exception cref="StoreException">The call failed.</exception>
    internal ValueTask<T> CallAsync<T>(Func<Task<T>> ask) =>
        isOpen ? throw new StockCircuitOpenException() : PassAsync(ask);

    /// <summary>Asks Redis whether it is back, once the break time is over.</summary>
    internal async Task<bool> ProbeAsync(Func<Task> ask)
    {
        try
        {
            await pipeline.ExecuteAsync(static async (call, _) => await call(), ask);
            return true;
        }
        catch (Exception e) when (e is BrokenCircuitException || IsUnavailable(e))
        {
            return false;
        }
    }

    /// <summary>Lets calls through again, after a good <see cref="ProbeAsync"/>.</summary>
    internal void Close()
    {
        Volatile.Write(ref failures, 0);
        isOpen = false;
        Closed(time.GetElapsedTime(openedAt).TotalSeconds);
    }

    private async ValueTask<T> PassAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await pipeline.ExecuteAsync(static async (call, _) => await call(), ask);
        }
        catch (BrokenCircuitException e)
        {
            throw new StockCircuitOpenException(e);
        }
    }

    /// <summary>
    /// Whether Polly counts a failure. Called at the end of each call; a successful one has no exception.
    /// </summary>
    private bool ShouldOpenCircuit(Exception? failure)
    {
        if (failure is not null && IsUnavailable(failure))
        {
            // While the circuit is open, only the probe and late answers of earlier calls come here.
            return Interlocked.Increment(ref failures) >= settings.Failures || isOpen;
        }

        // Read before write: every request passes here, on every core.
        if (Volatile.Read(ref failures) != 0) Volatile.Write(ref failures, 0);
        return false;
    }

    private void Open(Exception? reason)
    {
        if (isOpen) return;
        openedAt = time.GetTimestamp();
        isOpen = true;
        Opened(reason!.Message);
    }

    // A refusal by Redis is not an outage, except LOADING and MASTERDOWN: Redis is not ready yet.
    private static bool IsUnavailable(Exception failure) => failure is StoreUnavailableException
        or StoreUnansweredException or StoreRejectedException { Code: "LOADING" or "MASTERDOWN" };

    [LoggerMessage(1, LogLevel.Warning, "New reservations wait in the queue, because Redis is unavailable. {Reason}")]
    private partial void Opened(string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis answers again after {Seconds:0.0} s.")]
    private partial void Closed(double seconds);
}

/// <summary>The circuit is open, so a call was not even begun: Redis has changed nothing.</summary>
internal sealed class StockCircuitOpenException(Exception? cause = null)
    : StoreUnavailableException(Store.Redis, "Redis is unavailable; the call was not sent.", cause);
