using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Processes;

/// <summary>Asks a replica over HTTP whether it is healthy.</summary>
internal static class HttpProbe
{
    // A replica that takes longer to say so is not healthy.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly HttpClient Client =
        new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Patience };

    /// <summary>GETs an address.</summary>
    /// <param name="url">The address.</param>
    /// <param name="status">The status that means healthy.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public static async Task<HealthCheckResult> CheckAsync(
        string url, int status, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Client.GetAsync(new Uri(url), cancellationToken).ConfigureAwait(false);
            return (int)response.StatusCode == status
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{url} answered {(int)response.StatusCode}.");
        }
        catch (HttpRequestException e)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"{url} took longer than {Patience.TotalSeconds:0} s.");
        }
    }
}
