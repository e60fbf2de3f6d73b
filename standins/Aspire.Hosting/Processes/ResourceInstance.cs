using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>One replica: starts when what it waits for is there, and again whenever its process crashes.</summary>
internal sealed partial class ResourceInstance : IDisposable
{
    // Kestrel lets requests finish; a request that takes longer than this would hold up everyone's Ctrl+C.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstRestart = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LastRestart = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongRun = TimeSpan.FromSeconds(30);

    private readonly ResourceNotificationService notifications;
    private readonly ResourceOutput output;
    private readonly IServiceProvider services;
    private readonly HealthWatch health;
    private readonly ILogger log;
    private readonly string suffix = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", 8);
    private CancellationTokenSource life = new();
    private Task running = Task.CompletedTask;

    public ResourceInstance(
        IResource resource,
        int replica,
        int replicas,
        ResourceNotificationService notifications,
        ResourceOutput output,
        HealthWatch health,
        IServiceProvider services,
        ILogger log)
    {
        (Resource, Replica) = (resource, replica);
        (this.notifications, this.output, this.health) = (notifications, output, health);
        (this.services, this.log) = (services, log);
        Id = $"{resource.Name}-{suffix}";
        DisplayName = replicas == 1
            ? resource.Name
            : string.Create(CultureInfo.InvariantCulture, $"{resource.Name}-{replica + 1}");
        Publish(s => s with { State = KnownResourceStates.NotStarted, Urls = Urls() });
    }

    public IResource Resource { get; }

    public int Replica { get; }

    /// <summary>The replica's id: the name and eight random letters.</summary>
    public string Id { get; }

    /// <summary>The replica's name on the console: the name, and a number when there are several.</summary>
    public string DisplayName { get; }

    /// <summary>Called when the replica can't be started at all.</summary>
    public Action<ResourceInstance, Exception>? Failed { get; set; }

    /// <summary>Begins to run the replica, unless it runs.</summary>
    public void Start()
    {
        if (running.IsCompleted)
        {
            life.Dispose();
            life = new CancellationTokenSource();
            running = Task.Run(() => RunAsync(life.Token));
        }
    }

    /// <summary>Ends the replica and waits until its process is gone.</summary>
    public async Task StopAsync()
    {
        await life.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    public void Dispose() => life.Dispose();

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            Publish(s => s with { State = KnownResourceStates.Waiting });
            await notifications.WaitForDependenciesAsync(Resource, cancellationToken).ConfigureAwait(false);
            if (Resource is IResourceWithParent child)
            {
                await notifications.WaitForResourceHealthyAsync(child.Parent.Name, cancellationToken)
                    .ConfigureAwait(false);
            }

            if (Resource.Annotations.OfType<LaunchAnnotation>().SingleOrDefault() is { } launch)
            {
                await KeepRunningAsync(launch, cancellationToken).ConfigureAwait(false);
                return;
            }

            foreach (var presence in Resource.Annotations.OfType<PresenceAnnotation>())
            {
                await presence.EnsureAsync(cancellationToken).ConfigureAwait(false);
            }

            Publish(s => s with { State = KnownResourceStates.Running });
            await health.RunAsync(this, Publish, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            PublishEnd(null);
        }
        catch (Exception e)
        {
            // Whatever it was, nobody else would report it: this task is awaited only when the application ends.
            Publish(s => s with { State = KnownResourceStates.FailedToStart, HealthStatus = null });
            Failed?.Invoke(this, e);
        }
    }

    private async Task KeepRunningAsync(LaunchAnnotation launch, CancellationToken cancellationToken)
    {
        var pause = FirstRestart;
        while (true)
        {
            Publish(s => s with { State = KnownResourceStates.Starting, HealthStatus = null });
            var context = await LaunchContexts.CreateAsync(Resource, Replica, suffix, services, cancellationToken)
                .ConfigureAwait(false);
            var plan = await launch.PlanAsync(context, cancellationToken).ConfigureAwait(false);
            var startedAt = Stopwatch.GetTimestamp();
            var process = await ChildProcess.StartAsync(plan, output.For(Resource, DisplayName, plan.Output()))
                .ConfigureAwait(false);
            var code = await WatchAsync(process, cancellationToken).ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested || Resource.Annotations.OfType<RunsOnceAnnotation>().Any())
            {
                PublishEnd(code);
                return;
            }

            pause = Stopwatch.GetElapsedTime(startedAt) > LongRun ? FirstRestart : pause;
            Publish(s => Without(s, "executable.pid") with
            {
                State = KnownResourceStates.Starting,
                HealthStatus = null,
                ExitCode = code,
            });
            Crashed(log, DisplayName, code, pause.TotalSeconds);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LastRestart ? pause * 2 : LastRestart;
        }
    }

    private async Task<int> WatchAsync(ChildProcess process, CancellationToken cancellationToken)
    {
        Publish(s => Without(s, "executable.pid") with
        {
            State = KnownResourceStates.Running,
            Properties = Without(s, "executable.pid").Properties.Add(new("executable.pid", process.Id)),
        });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var checks = health.RunAsync(this, Publish, ended.Token);
        try
        {
            return await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Publish(s => s with { State = KnownResourceStates.Stopping, HealthStatus = null });
            return await process.StopAsync(StopPatience).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await checks.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static CustomResourceSnapshot Without(CustomResourceSnapshot snapshot, string property) =>
        snapshot with { Properties = [.. snapshot.Properties.Where(p => p.Name != property)] };

    private void Publish(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        notifications.Publish(Resource, Id, change);

    private void PublishEnd(int? code) => Publish(s => Without(s, "executable.pid") with
    {
        State = Resource is ContainerResource ? KnownResourceStates.Exited : KnownResourceStates.Finished,
        HealthStatus = null,
        ExitCode = code ?? s.ExitCode,
    });

    private ImmutableArray<UrlSnapshot> Urls() => Resource is IResourceWithEndpoints owner
        ? [.. owner.Annotations.OfType<EndpointAnnotation>().Select(e => new UrlSnapshot(
            e.Name, new EndpointReference(owner, e.Name).UrlOf(e.ReplicaPorts[Replica]), IsInternal: false))]
        : [];

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name} ended with code {Code}; restarting in {Seconds} s")]
    private static partial void Crashed(ILogger logger, string name, int code, double seconds);
}

/// <summary>Resolves what the AppHost's code said about one start of one replica.</summary>
internal static class LaunchContexts
{
    public static async Task<LaunchContext> CreateAsync(
        IResource resource, int replica, string suffix, IServiceProvider services, CancellationToken cancellationToken)
    {
        var execution = (DistributedApplicationExecutionContext)services.GetService(
            typeof(DistributedApplicationExecutionContext))!;
        var environment = new EnvironmentCallbackContext(execution, [], cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(environment).ConfigureAwait(false);
        }

        foreach (var port in resource.Annotations.OfType<PortVariableAnnotation>())
        {
            environment.EnvironmentVariables[port.Variable] =
                port.Endpoint.ReplicaPorts[replica].ToString(CultureInfo.InvariantCulture);
        }

        var arguments = new CommandLineArgsCallbackContext([], cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(arguments).ConfigureAwait(false);
        }

        var variables = new Dictionary<string, string>();
        foreach (var (name, value) in environment.EnvironmentVariables)
        {
            variables[name] = await TextOfAsync(value, cancellationToken).ConfigureAwait(false);
        }

        List<string> texts = [];
        foreach (var argument in arguments.Args)
        {
            texts.Add(await TextOfAsync(argument, cancellationToken).ConfigureAwait(false));
        }

        return new LaunchContext(resource, replica, suffix, texts, variables, services);
    }

    private static async ValueTask<string> TextOfAsync(object value, CancellationToken cancellationToken) =>
        value switch
        {
            IValueProvider provider => await provider.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? "",
            IResourceBuilder<IResourceWithConnectionString> server =>
                await server.Resource.GetConnectionStringAsync(cancellationToken).ConfigureAwait(false) ?? "",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };
}
