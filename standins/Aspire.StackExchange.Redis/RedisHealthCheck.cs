using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// Healthy when Redis answers a PING in time. The limit is ours and not the client's: the client queues commands
/// for a Redis that is away for as long as it lets callers wait, and a probe has no such patience.
/// </summary>
internal sealed class RedisHealthCheck(Func<IConnectionMultiplexer> connect) : IHealthCheck
{
    // Enough for the first check, which connects on a machine that is starting everything else as well.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // On another thread, because the first use connects, and blocks for seconds when nobody listens.
            var ping = Task.Run(() => connect().GetDatabase().PingAsync(), CancellationToken.None);
            var taken = await ping.WaitAsync(Limit, cancellationToken);
            return HealthCheckResult.Healthy($"PING answered in {taken.TotalMilliseconds:0.0} ms.");
        }
        catch (TimeoutException)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus, $"No answer to PING within {Limit.TotalSeconds} s.");
        }
        catch (Exception e) when (e is RedisException or InvalidOperationException or ObjectDisposedException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }
}
