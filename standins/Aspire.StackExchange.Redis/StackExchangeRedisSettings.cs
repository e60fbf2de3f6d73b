namespace Aspire.StackExchange.Redis;

/// <summary>
/// How a Redis client is connected and watched. Each value comes from <c>Aspire:StackExchange:Redis</c>, then from
/// that section's child of the connection's name, then from <c>ConnectionStrings</c>, then from code; the last
/// one wins.
/// </summary>
public sealed class StackExchangeRedisSettings
{
    /// <summary>In StackExchange.Redis' own form, for example <c>localhost:6379,password=secret</c>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Leaves the health check out.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves the spans of commands out.</summary>
    public bool DisableTracing { get; set; }
}
