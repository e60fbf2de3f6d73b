using Inventory.Gateway.Sessions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection.Extensions;
using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>Registers rate limits, API keys and shopper sessions.</summary>
internal static class RateLimitingServices
{
    /// <summary>Reads limits, sessions and keys; refuses to start when a setting is out of range or unknown.</summary>
    public static void AddRateLimiting(this IHostApplicationBuilder builder)
    {
        // The gateway works without Redis, so an outage of Redis must not make it unhealthy.
        builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true, Tune);
        builder.Services.AddApiKeys();
        builder.AddRateLimits();
        builder.AddSessions();
    }

    private static void AddRateLimits(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<RateLimitOptions>(RateLimitOptions.Section);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<RatePolicies>();
        builder.Services.AddSingleton<LimiterCircuit>();
        builder.Services.AddSingleton<SharedLimiter>();
        builder.Services.AddSingleton<LocalLimiter>();
        builder.Services.AddSingleton<AdmissionMetrics>();
        builder.Services.AddHostedService<LimiterProbe>();
    }

    private static void AddSessions(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ShopperSessionOptions>(ShopperSessionOptions.Section);

        // The default name is the content root, but every instance must read the cookies of all others.
        builder.Services.AddDataProtection().SetApplicationName("Inventory.Gateway");
        builder.Services.AddSingleton<SessionKeys>();
        builder.Services.AddOptions<KeyManagementOptions>()
            .Configure<SessionKeys>((management, keys) => management.XmlRepository = keys);
        builder.Services.AddSingleton<SessionKeyring>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionKeyring>());
        builder.Services.AddSingleton<SessionCookie>();
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
