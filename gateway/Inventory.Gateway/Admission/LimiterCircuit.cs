using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

/// <summary>
/// Whether Redis is asked. It is not, once a connection is known to be gone or several calls in a row had no answer in
/// time; <see cref="LimiterProbe"/> finds out when it is back, so that no request has to try.
/// </summary>
internal sealed partial class LimiterCircuit(ILogger<LimiterCircuit> log)
{
    /// <summary>
    /// A pause of Redis or of this process delays what is on its way at that moment; a server that hangs delays all.
    /// Until then each costs its caller <see cref="RateLimitOptions.Patience"/>.
    /// </summary>
    private const int FailuresInARow = 5;

    private int _failures;
    private int _open;

    public bool IsOpen => Volatile.Read(ref _open) != 0;

    public void Succeeded()
    {
        // Read before write: every request passes here, on every core.
        if (Volatile.Read(ref _failures) != 0) Volatile.Write(ref _failures, 0);
    }

    public void Failed(Exception reason)
    {
        var failures = Interlocked.Increment(ref _failures);
        if (reason is not RedisConnectionException && failures < FailuresInARow) return;
        if (Interlocked.Exchange(ref _open, 1) == 0) Opened(log, Words(reason));
    }

    /// <summary>Redis is asked again.</summary>
    public void Close()
    {
        Volatile.Write(ref _failures, 0);
        if (Interlocked.Exchange(ref _open, 0) == 1) Closed(log);
    }

    // The client's own messages fill a screen with its counters.
    private static string Words(Exception reason) => reason switch
    {
        RedisConnectionException broken => $"its connection failed ({broken.FailureType}).",
        RedisServerException refused => refused.Message,
        _ => "it did not answer in time.",
    };

    [LoggerMessage(1, LogLevel.Warning,
        "Redis is away, so this instance limits requests by itself, and sessions go on by their cookies: {Reason}")]
    private static partial void Opened(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis is back, and limits are shared by all gateways again.")]
    private static partial void Closed(ILogger log);
}

/// <summary>Closes the circuit when Redis is back.</summary>
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
            if (!circuit.IsOpen || !await shared.ProbeAsync()) continue;
            circuit.Close();
            local.Forget();
        }
    }
}
