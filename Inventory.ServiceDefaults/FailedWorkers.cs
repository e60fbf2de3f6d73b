using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Gives the process the exit code 1 when one of its background services has failed. The host stops such a process by
/// itself, but with the code 0, which a platform that restarts what failed takes for a wanted end.
/// </summary>
internal sealed class FailedWorkers(IServiceProvider services, IHostApplicationLifetime lifetime) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopped.Register(() =>
        {
            var workers = services.GetServices<IHostedService>().OfType<BackgroundService>();
            if (workers.Any(worker => worker.ExecuteTask is { IsFaulted: true })) Environment.ExitCode = 1;
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
