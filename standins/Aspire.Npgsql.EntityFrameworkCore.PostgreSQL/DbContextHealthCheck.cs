using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>Healthy when the context's database takes a connection in time.</summary>
internal sealed class DbContextHealthCheck<TContext>(TContext context) : IHealthCheck
    where TContext : DbContext
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext healthCheck, CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await context.Database.CanConnectAsync(limit.Token)
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(healthCheck.Registration.FailureStatus, "PostgreSQL takes no connection.");
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(
                healthCheck.Registration.FailureStatus, $"PostgreSQL did not answer within {Limit.TotalSeconds} s.", e);
        }
    }
}
