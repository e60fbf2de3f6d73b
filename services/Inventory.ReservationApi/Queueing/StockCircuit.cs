using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Queueing;

/// <summary>
/// Stands between this API and Redis. After some failures in a row Redis is not asked any more, so that nobody waits
/// for it; <see cref="StockProbe"/> finds out when it is back, so that no shopper has to try.
/// </summary>
/// <remarks>
/// Polly counts by proportions, which thousands of good calls a second would keep low for long. So this class counts
/// what comes in a row, and Polly opens with the first failure that it is told of.
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
                ShouldHandle = outcome => ValueTask.FromResult(IsLastStraw(outcome.Outcome.Exception)),
                OnOpened = opened =>
                {
                    Open(opened.Outcome.Exception);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    /// <summary>Whether Redis is not asked.</summary>
    internal bool IsOpen => isOpen;

    /// <summary>How long it will be away at the least, as far as anybody can say.</summary>
    internal TimeSpan Away => isOpen ? settings.BreakTime : TimeSpan.Zero;

    /// <summary>Asks Redis, unless it is known to be away.</summary>
    /// <param name="ask">The call.</param>
    /// <exception cref="RedisConnectionException">
    /// Redis is away. Where <see cref="WasSpared"/>, it was not asked and can't have acted.
    /// </exception>
    /// <exception cref="RedisTimeoutException">It did not answer in time, and may act yet.</exception>
    internal ValueTask<T> CallAsync<T>(Func<Task<T>> ask) => isOpen ? throw Spared(null) : PassAsync(ask);

    /// <summary>Whether Redis was not asked at all.</summary>
    internal static bool WasSpared(Exception failure) => failure.Data.Contains(typeof(StockCircuit));

    /// <summary>Asks Redis whether it is back, if it is time to.</summary>
    internal async Task<bool> ProbeAsync(Func<Task> ask)
    {
        try
        {
            await pipeline.ExecuteAsync(static async (call, _) => await call(), ask);
            return true;
        }
        catch (Exception e) when (e is BrokenCircuitException || IsAway(e))
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
            throw Spared(e);
        }
    }

    /// <summary>Called with the end of each call, a good one having no exception.</summary>
    private bool IsLastStraw(Exception? failure)
    {
        if (failure is not null && IsAway(failure))
        {
            // While it is open, only the probe comes here, and late answers of calls that began before.
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
        Opened(Words(reason));
    }

    // What Redis refuses when it answers is no failure of this kind, save that it is not there yet.
    private static bool IsAway(Exception failure) => failure is RedisConnectionException or RedisTimeoutException
        || (failure is RedisServerException { Message: var message }
            && (message.StartsWith("LOADING", StringComparison.Ordinal)
                || message.StartsWith("MASTERDOWN", StringComparison.Ordinal)));

    private static RedisConnectionException Spared(Exception? inner) => new(
        ConnectionFailureType.UnableToConnect, CommandFlags.None, "Redis is away and was not asked.", inner)
    {
        Data = { [typeof(StockCircuit)] = true },
    };

    // The client's own messages fill a screen with its counters.
    private static string Words(Exception? reason) => reason switch
    {
        RedisConnectionException broken => $"its connection failed ({broken.FailureType})",
        RedisServerException refused => refused.Message,
        _ => "it did not answer in time",
    };

    [LoggerMessage(1, LogLevel.Warning, "Redis is away: {Reason}. Shoppers wait in the queue.")]
    private partial void Opened(string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis answers again after {Seconds:0.0} s.")]
    private partial void Closed(double seconds);
}
