using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Inventory.ServiceDefaults.Draining;

/// <summary>
/// Shuts an instance down without losing a request, although its callers are not notified before.
/// </summary>
/// <remarks>
/// 1. When the instance is told to stop, <c>/health</c> and <c>/ready</c> say that it is not ready. It still serves,
/// and each answer closes its connection, so that no connection is left on which a request could come too late. 2.
/// After the delay streams end, and their clients reconnect elsewhere. 3. The server accepts nothing more, and finishes
/// the requests in flight.
/// </remarks>
public sealed class InstanceDrain(IOptions<DrainingOptions> options, TimeProvider time)
    : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource streamsEnd = new();
    private volatile bool hasBegun;

    /// <summary>Whether the instance was told to stop.</summary>
    public bool HasBegun => hasBegun;

    /// <summary>Cancelled when streams are to end.</summary>
    public CancellationToken StreamsEnd => streamsEnd.Token;

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (hasBegun) return;
        hasBegun = true;
        await Task.Delay(options.Value.Delay, time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await streamsEnd.CancelAsync();
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => streamsEnd.Dispose();
}

/// <summary>Registers draining.</summary>
public static class InstanceDrainServices
{
    /// <summary>
    /// Reads <see cref="DrainingOptions"/>, and refuses to start when one is out of range or unknown.
    /// </summary>
    public static void AddDraining(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<DrainingOptions>(DrainingOptions.Section);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<DrainingOptions>>(
            (host, drain) => host.ShutdownTimeout = drain.Value.Delay + drain.Value.Patience);
        builder.Services.AddSingleton<InstanceDrain>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<InstanceDrain>());
        builder.Services.AddHealthChecks().Add(new(
            "draining",
            provider => new DrainCheck(provider.GetRequiredService<InstanceDrain>()), failureStatus: null, ["ready"]));
    }

    /// <summary>Closes each connection with its next answer while the instance drains.</summary>
    public static void UseDraining(this IApplicationBuilder app)
    {
        var drain = app.ApplicationServices.GetRequiredService<InstanceDrain>();
        app.Use((http, next) =>
        {
            if (drain.HasBegun && HttpProtocol.IsHttp11(http.Request.Protocol))
            {
                http.Response.Headers.Connection = "close";
            }

            return next(http);
        });
    }

    private sealed class DrainCheck(InstanceDrain drain) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
                drain.HasBegun ? HealthCheckResult.Unhealthy("The instance stops.") : HealthCheckResult.Healthy());
    }
}
