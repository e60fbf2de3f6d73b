using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>Starts resources as soon as their waits permit, and stops dependents before what they depend on.</summary>
internal sealed class Orchestrator(
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    ResourceOutput output,
    HealthCheckService healthChecks,
    DataFolders folders,
    PortBook ports,
    StartReport report,
    RunMode mode,
    IHostApplicationLifetime lifetime,
    IServiceProvider services,
    ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private readonly List<ResourceInstance> instances = [];
    private readonly CancellationTokenSource ending = new();
    private Task reporting = Task.CompletedTask;
    private Task? stopped;

    /// <summary>The replicas, none before the start.</summary>
    public IReadOnlyList<ResourceInstance> Instances => instances;

    /// <summary>Checks that everything can start, gives out ports, and begins to start.</summary>
    /// <exception cref="DistributedApplicationException">A port is taken, or a program missing.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        folders.Open();
        foreach (var resource in model.Resources)
        {
            foreach (var launch in resource.Annotations.OfType<LaunchAnnotation>())
            {
                launch.Check(services);
            }

            Allocate(resource);
        }

        ports.Save();
        var log = loggers.CreateLogger("Aspire.Hosting.DistributedApplication");
        var health = new HealthWatch(healthChecks, services, log);
        foreach (var resource in model.Resources)
        {
            var replicas = ReplicasOf(resource);
            for (var replica = 0; replica < replicas; replica++)
            {
                instances.Add(new ResourceInstance(
                    resource, replica, replicas, notifications, output, health, services, log)
                {
                    Failed = OnFailed,
                });
            }
        }

        if (!mode.IsTest)
        {
            report.Begin(instances);
            reporting = report.RunAsync(instances, ending.Token);
        }

        instances.ForEach(instance => instance.Start());
        return Task.CompletedTask;
    }

    /// <summary>Stops everything, and deletes what was not to be kept.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => stopped ??= StopOnceAsync();

    /// <summary>Stops what still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(default).ConfigureAwait(false);
        instances.ForEach(instance => instance.Dispose());
        ending.Dispose();
    }

    private static int ReplicasOf(IResource resource) =>
        resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1;

    private static bool DependsOn(IResource resource, IResource other) =>
        (resource as IResourceWithParent)?.Parent == other
        || resource.Annotations.Any(annotation => annotation switch
        {
            WaitAnnotation wait => wait.Resource == other,
            ReferenceAnnotation reference => reference.Resource == other,
            _ => false,
        });

    private void Allocate(IResource resource)
    {
        var replicas = ReplicasOf(resource);
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var wanted = endpoint.Port ?? endpoint.TargetPort;
            if (wanted is { } port && replicas == 1 && !mode.IsTest)
            {
                endpoint.ReplicaPorts = [PortBook.IsFree(port)
                    ? port
                    : throw new DistributedApplicationException(string.Create(CultureInfo.InvariantCulture,
                        $"{resource.Name}: port {port} is taken by another program; stop it, or choose another."))];
                continue;
            }

            endpoint.ReplicaPorts = [.. Enumerable.Range(0, replicas).Select(replica => ports.Random(
                string.Create(CultureInfo.InvariantCulture, $"{resource.Name}/{endpoint.Name}/{replica}")))];
        }
    }

    private void OnFailed(ResourceInstance instance, Exception e)
    {
        if (ending.IsCancellationRequested)
        {
            return;
        }

        report.Failed(instance, e);
        if (!mode.IsTest)
        {
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private async Task StopOnceAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var left = instances.Select(instance => instance.Resource).Distinct().ToList();
        while (left.Count > 0)
        {
            // Two that refer to each other have no order, so they stop together.
            var tier = left.Where(resource => !left.Exists(other => other != resource && DependsOn(other, resource)))
                .ToList();
            tier = tier.Count > 0 ? tier : [.. left];
            await Task.WhenAll(instances.Where(instance => tier.Contains(instance.Resource))
                .Select(instance => instance.StopAsync())).ConfigureAwait(false);
            left.RemoveAll(tier.Contains);
        }

        ports.Release();
        folders.Dispose();
    }
}
