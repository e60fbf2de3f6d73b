using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Aspire.Npgsql;

/// <summary>Healthy when PostgreSQL answers a query in time, the wait for a pooled connection included.</summary>
internal sealed class DataSourceHealthCheck(NpgsqlDataSource dataSource) : IHealthCheck
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // Given up and not only cancelled: Npgsql waits for a server that takes connections and then says nothing
            // until its own timeout, 15 s, whatever the token says.
            await ProbeAsync().WaitAsync(Limit, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (TimeoutException)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus, $"PostgreSQL did not answer within {Limit.TotalSeconds} s.");
        }
        catch (NpgsqlException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }

    private async Task ProbeAsync()
    {
        // Longer than the limit above, which then is the one that speaks; it ends a query that hangs.
        using var limit = new CancellationTokenSource(2 * Limit);
        await using var command = dataSource.CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(limit.Token);
    }
}
