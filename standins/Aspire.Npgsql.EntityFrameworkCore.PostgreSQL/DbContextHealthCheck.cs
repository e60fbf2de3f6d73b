using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>Healthy when the context's database takes a connection in time.</summary>
internal sealed class DbContextHealthCheck<TContext>(IServiceScopeFactory scopes) : IHealthCheck
    where TContext : DbContext
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // Given up and not only cancelled: Npgsql waits for a server that takes connections and then says nothing
            // until its own timeout, 15 s, whatever the token says.
            return await ProbeAsync().WaitAsync(Limit, cancellationToken)
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "PostgreSQL takes no connection.");
        }
        catch (TimeoutException)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus, $"PostgreSQL did not answer within {Limit.TotalSeconds} s.");
        }
    }

    private async Task<bool> ProbeAsync()
    {
        // A scope of its own: a context must not return to the pool while an abandoned probe still uses it.
        await using var scope = scopes.CreateAsyncScope();
        using var limit = new CancellationTokenSource(2 * Limit);
        return await scope.ServiceProvider.GetRequiredService<TContext>().Database.CanConnectAsync(limit.Token);
    }
}
