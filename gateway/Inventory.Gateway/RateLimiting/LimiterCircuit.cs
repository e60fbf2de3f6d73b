using Inventory.Storage;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.RateLimiting;

/// <summary>
/// The circuit breaker of the calls to Redis. It opens when a connection is lost or several calls in a row had no
/// answer in time; <see cref="LimiterProbe"/> closes it, so that no request has to try.
/// </summary>
/// <remarks>
/// On an overloaded machine Redis looks slow to requests, but fast to a probe between them. So a circuit that opens
/// again soon after it closed stays open for longer each time.
/// </remarks>
internal sealed partial class LimiterCircuit(TimeProvider time, ILogger<LimiterCircuit> log)
{
    /// <summary>
    /// A pause of Redis or of this process delays only the calls in flight; a server that hangs delays all. Until the
    /// circuit opens, each such call costs its caller <see cref="RateLimitOptions.Patience"/>.
    /// </summary>
    private const int FailuresInARow = 5;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(2), LongestRest = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private int failures;
    private volatile bool isOpen;
    private long openedAt;
    private long? closedAt;
    private TimeSpan rest;

    public bool IsOpen => isOpen;

    /// <summary>Whether the circuit is open, and a probe may find out whether Redis is back.</summary>
    public bool MayProbe
    {
        get
        {
            if (!isOpen) return false;
            lock (gate) return time.GetElapsedTime(openedAt) >= rest;
        }
    }

    public void Succeeded()
    {
        // Read before write: every request passes here, on every core.
        if (Volatile.Read(ref this.failures) != 0) Volatile.Write(ref this.failures, 0);
    }

    public void Failed(StoreException reason)
    {
        var failures = Interlocked.Increment(ref this.failures);
        var isGone = reason is StoreUnavailableException or StoreUnansweredException { IsDisconnected: true };
        if (!isGone && failures < FailuresInARow) return;
        lock (gate)
        {
            if (isOpen) return;
            var isAgain = closedAt is { } at && time.GetElapsedTime(at) < Soon;
            rest = isGone || !isAgain ? TimeSpan.Zero
                : rest < ShortestRest ? ShortestRest
                : rest > LongestRest / 2 ? LongestRest
                : rest * 2;
            openedAt = time.GetTimestamp();
            isOpen = true;
        }

        Opened(log, reason.Message);
    }

    /// <summary>Lets requests call Redis again.</summary>
    public void Close()
    {
        lock (gate)
        {
            if (!isOpen) return;
            Volatile.Write(ref this.failures, 0);
            closedAt = time.GetTimestamp();
            isOpen = false;
        }

        Closed(log);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Redis is unavailable, so this instance limits requests by itself and trusts session cookies: {Reason}")]
    private static partial void Opened(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis is back, and limits are shared by all gateways again.")]
    private static partial void Closed(ILogger log);
}

/// <summary>Closes the circuit when Redis is back, and discards local counters that are no longer used.</summary>
internal sealed class LimiterProbe(
    LimiterCircuit circuit,
    SharedLimiter shared,
    LocalLimiter local,
    IOptions<RateLimitOptions> limits,
    TimeProvider time)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(limits.Value.ProbeInterval, time);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            if (circuit.MayProbe && await shared.ProbeAsync()) circuit.Close();
            if (!circuit.IsOpen) local.ForgetUnused();
        }
    }
}
