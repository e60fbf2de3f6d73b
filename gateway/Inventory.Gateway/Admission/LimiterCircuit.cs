using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

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

    private readonly Lock _gate = new();
    private int _failures;
    private volatile bool _isOpen;
    private long _openedAt;
    private long? _closedAt;
    private TimeSpan _rest;

    public bool IsOpen => _isOpen;

    /// <summary>Whether the circuit is open, and a probe may find out whether Redis is back.</summary>
    public bool MayProbe
    {
        get
        {
            if (!_isOpen) return false;
            lock (_gate) return time.GetElapsedTime(_openedAt) >= _rest;
        }
    }

    public void Succeeded()
    {
        // Read before write: every request passes here, on every core.
        if (Volatile.Read(ref _failures) != 0) Volatile.Write(ref _failures, 0);
    }

    public void Failed(Exception reason)
    {
        var failures = Interlocked.Increment(ref _failures);
        var isGone = reason is RedisConnectionException;
        if (!isGone && failures < FailuresInARow) return;
        lock (_gate)
        {
            if (_isOpen) return;
            var isAgain = _closedAt is { } at && time.GetElapsedTime(at) < Soon;
            _rest = isGone || !isAgain ? TimeSpan.Zero
                : _rest < ShortestRest ? ShortestRest
                : _rest > LongestRest / 2 ? LongestRest
                : _rest * 2;
            _openedAt = time.GetTimestamp();
            _isOpen = true;
        }

        Opened(log, Words(reason));
    }

    /// <summary>Lets requests call Redis again.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (!_isOpen) return;
            Volatile.Write(ref _failures, 0);
            _closedAt = time.GetTimestamp();
            _isOpen = false;
        }

        Closed(log);
    }

    // The client's own messages contain a screenful of its counters.
    private static string Words(Exception reason) => reason switch
    {
        RedisConnectionException broken => $"its connection failed ({broken.FailureType}).",
        RedisServerException refused => refused.Message,
        _ => "it did not answer in time.",
    };

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
