namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>
/// How a DbContext is connected and watched. Each value comes from <c>Aspire:Npgsql:EntityFrameworkCore:PostgreSQL</c>,
/// then from that section's child of the context's name, then from <c>ConnectionStrings</c>, then from code; the last
/// one wins.
/// </summary>
public sealed class NpgsqlEntityFrameworkCorePostgreSQLSettings
{
    /// <summary>In Npgsql's own form, for example <c>Host=localhost;Username=app;Database=ledger</c>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Lets a transient failure through to the caller at once.</summary>
    public bool DisableRetry { get; set; }

    /// <summary>Leaves the health check out.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves the spans of commands out.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Leaves the figures of commands and connection pools out.</summary>
    public bool DisableMetrics { get; set; }

    /// <summary>Seconds a command may take; null leaves it to the connection string.</summary>
    public int? CommandTimeout { get; set; }
}
