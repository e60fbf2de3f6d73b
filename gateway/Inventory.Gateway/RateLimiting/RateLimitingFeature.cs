using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>The budgets of callers, counted in Redis for all gateways.</summary>
internal static class RateLimitingFeature
{
    /// <summary>Adds the connection to Redis too, which sessions and the bot guard share.</summary>
    public static void AddRateLimiting(this IHostApplicationBuilder builder)
    {
        // The gateway works without Redis, so an outage of Redis must not make it unhealthy.
        builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true, Tune);
        builder.Services.AddApiKeys();
        builder.Services.AddValidatedOptions<RateLimitOptions>(RateLimitOptions.Section);
        builder.Services.AddSingleton<RatePolicies>();
        builder.Services.AddSingleton<LimiterCircuit>();
        builder.Services.AddSingleton<SharedLimiter>();
        builder.Services.AddSingleton<LocalLimiter>();
        builder.Services.AddSingleton<AdmissionMetrics>();
        builder.Services.AddHostedService<LimiterProbe>();
    }

    private static void Tune(ConfigurationOptions redis)
    {
        // A call that can't be sent fails at once, and the gateway decides without Redis.
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        // For the end of a session, the exchange of keys and the guard's reports. A request that is charged waits for a
        // far shorter time: RateLimitOptions.Patience.
        redis.AsyncTimeout = 1_000;
        redis.SyncTimeout = 1_000;
        redis.ConnectTimeout = 1_000;
        // A gateway that starts during an outage goes on without Redis after one attempt.
        redis.ConnectRetry = 1;
        redis.ReconnectRetryPolicy = new LinearRetry(500);
    }
}
