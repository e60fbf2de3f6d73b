namespace Aspire.Npgsql;

/// <summary>
/// How a PostgreSQL data source is connected and watched. Each value comes from <c>Aspire:Npgsql</c>, then from that
/// section's child of the connection's name, then from <c>ConnectionStrings</c>, then from code; the last one wins.
/// </summary>
public sealed class NpgsqlSettings
{
    /// <summary>In Npgsql's own form, for example <c>Host=localhost;Username=app;Database=ledger</c>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Leaves the health check out.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves the spans of commands out.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Leaves the figures of commands and connection pools out.</summary>
    public bool DisableMetrics { get; set; }
}
