using Aspire.Hosting.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>An application: its resources, and the host that starts and stops them.</summary>
/// <param name="host">The host, which the application owns from now on.</param>
public class DistributedApplication(IHost host) : IHost, IAsyncDisposable
{
    /// <summary>The AppHost's own services.</summary>
    public IServiceProvider Services => host.Services;

    /// <summary>The state of every resource.</summary>
    public ResourceNotificationService ResourceNotifications =>
        Services.GetRequiredService<ResourceNotificationService>();

    /// <summary>Starts, stops and restarts single resources.</summary>
    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    /// <summary>Begins to describe an application.</summary>
    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    /// <summary>Begins to describe an application.</summary>
    /// <param name="args">Command-line arguments, which are configuration.</param>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) =>
        CreateBuilder(new DistributedApplicationOptions { Args = args });

    /// <summary>Begins to describe an application.</summary>
    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) =>
        new DistributedApplicationBuilder(options);

    /// <summary>Starts everything and blocks until Ctrl+C, SIGTERM or a failed start; then stops everything.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    /// <summary>
    /// Starts everything, waits for Ctrl+C, SIGTERM or a failed start, and stops everything. A failure is one line on
    /// the console and exit code 1. In a test it waits for the test to end, which starts the application itself.
    /// </summary>
    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        if (AppHostHook.Current is { } hook)
        {
            await hook.Disposed.ConfigureAwait(false);
            return;
        }

        try
        {
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            await host.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DistributedApplicationException e)
        {
            Services.GetRequiredService<Terminal>().WriteError(e.Message);
            Environment.ExitCode = 1;
        }
        catch (OperationCanceledException)
        {
            // Stopped while it was starting: what had started ends below.
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Starts everything. Returns when every port is known; resources become healthy later.</summary>
    /// <exception cref="DistributedApplicationException">A port is taken or a program missing.</exception>
    public virtual Task StartAsync(CancellationToken cancellationToken = default) =>
        AppHostHook.Current is { } hook ? hook.Started : host.StartAsync(cancellationToken);

    /// <summary>Stops everything, dependents before what they depend on.</summary>
    public virtual Task StopAsync(CancellationToken cancellationToken = default) => host.StopAsync(cancellationToken);

    /// <summary>Stops everything that still runs.</summary>
    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops everything that still runs.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            host.Dispose();
        }
    }
}
