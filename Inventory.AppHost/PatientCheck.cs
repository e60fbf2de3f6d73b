using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.AppHost;

/// <summary>
/// A health check that retries within one check. Aspire waits 1, 2, … 5 s between checks that fail, so a server that is
/// ready 0.1 s after the first check would be seen a second later, and its dependents would start as much later.
/// </summary>
internal static class PatientCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Adds a check that is healthy once <paramref name="ask"/> completes without failure.</summary>
    public static IHealthChecksBuilder AddPatientCheck(
        this IHealthChecksBuilder checks, string name, Func<CancellationToken, Task> ask) =>
        checks.AddAsyncCheck(name, async cancellationToken =>
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            Exception? last = null;
            while (true)
            {
                try
                {
                    await ask(patience.Token);
                    return HealthCheckResult.Healthy();
                }
                // Every exception of a client while its server starts; the check's result carries the last one.
                catch (Exception failure) when (!patience.IsCancellationRequested)
                {
                    last = failure;
                }
                catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
                {
                    return HealthCheckResult.Unhealthy((last ?? failure).Message);
                }

                await Task.Delay(Pause, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        });
}
