using Inventory.Gateway.Sessions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection.Extensions;
using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

/// <summary>Registers what stands between a caller and the proxy: limits and sessions.</summary>
internal static class FrontDoor
{
    /// <summary>Reads limits, sessions and keys; refuses to start when a setting is out of range or unknown.</summary>
    public static void AddFrontDoor(this IHostApplicationBuilder builder)
    {
        // Without Redis the gateway does its work: that is no reason to take it out of service.
        builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true, Tune);
        builder.Services.AddApiKeys();
        builder.AddRateLimits();
        builder.AddSessions();
    }

    private static void AddRateLimits(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitOptions>()
            .BindConfiguration(RateLimitOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
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
        builder.Services.AddOptions<ShopperSessionOptions>()
            .BindConfiguration(ShopperSessionOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();

        // Not by content root, as the default is: every instance must read every other's cookies.
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
        // A call that can't be sent now is decided here, now.
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        // Only sessions are ended and keys exchanged with so much patience; a request has its own, far shorter.
        redis.AsyncTimeout = 1_000;
        redis.SyncTimeout = 1_000;
        redis.ConnectTimeout = 1_000;
        redis.ReconnectRetryPolicy = new LinearRetry(500);
    }
}
