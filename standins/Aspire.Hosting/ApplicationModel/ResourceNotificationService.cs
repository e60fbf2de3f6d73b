using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// Knows the state of every replica and tells whoever waits for one. Where real Aspire is content with any replica,
/// the healthy waits here want all of them, so that a crash of one is seen.
/// </summary>
public class ResourceNotificationService : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ResourceEvent> current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> watchers = [];
    private readonly WaitBehavior defaultBehavior;

    internal ResourceNotificationService(WaitBehavior defaultBehavior) => this.defaultBehavior = defaultBehavior;

    /// <summary>Waits until a replica is in a state.</summary>
    /// <param name="resourceName">The resource.</param>
    /// <param name="targetState">The state; Running when null.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task WaitForResourceAsync(
        string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        await WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Waits until a replica is in one of some states, and returns which.</summary>
    public async Task<string> WaitForResourceAsync(
        string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var wanted = targetStates.ToArray();
        var found = await WaitForResourceAsync(
            resourceName, e => wanted.Contains(e.Snapshot.State?.Text), cancellationToken).ConfigureAwait(false);
        return found.Snapshot.State!.Text;
    }

    /// <summary>Waits until a replica satisfies a condition.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the application disposed.</exception>
    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        await foreach (var change in WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            if (IsNamed(change, resourceName) && predicate(change))
            {
                return change;
            }
        }

        throw new OperationCanceledException($"The application ended while something waited for '{resourceName}'.");
    }

    /// <summary>Waits until every replica is healthy.</summary>
    /// <exception cref="DistributedApplicationException">A replica ended for good, and no one waits on.</exception>
    public Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, defaultBehavior, cancellationToken);

    /// <summary>Waits until every replica is healthy.</summary>
    /// <exception cref="DistributedApplicationException">A replica ended for good, and no one waits on.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var last = await WaitForResourceAsync(
            resourceName,
            change => IsUnavailable(change.Snapshot, waitBehavior) || AllReplicas(change.Resource, IsHealthy),
            cancellationToken).ConfigureAwait(false);
        return AllReplicas(last.Resource, IsHealthy) ? last : throw Unavailable(last);
    }

    /// <summary>Waits for everything that the builder's WaitFor methods named.</summary>
    /// <exception cref="DistributedApplicationException">One of them can't come any more.</exception>
    public Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken) =>
        Task.WhenAll(resource.Annotations.OfType<WaitAnnotation>().Select(wait => WaitAsync(wait, cancellationToken)));

    /// <summary>Every replica's state now, then every change.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (gate)
        {
            foreach (var known in current.Values)
            {
                channel.Writer.TryWrite(known);
            }

            watchers.Add(channel);
        }

        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return change;
            }
        }
        finally
        {
            lock (gate)
            {
                watchers.Remove(channel);
            }
        }
    }

    /// <summary>Looks a replica up.</summary>
    /// <param name="resourceId">The replica's id, or the name of a resource with one replica.</param>
    /// <param name="resourceEvent">Its last change.</param>
    /// <returns>False when there is none.</returns>
    public bool TryGetCurrentState(string resourceId, out ResourceEvent? resourceEvent)
    {
        lock (gate)
        {
            resourceEvent = current.GetValueOrDefault(resourceId)
                ?? current.Values.FirstOrDefault(e => IsNamed(e, resourceId));
            return resourceEvent is not null;
        }
    }

    /// <summary>Changes the state of every replica of a resource.</summary>
    public Task PublishUpdateAsync(
        IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        foreach (var id in ReplicasOf(resource).Select(e => e.ResourceId))
        {
            Publish(resource, id, stateFactory);
        }

        return Task.CompletedTask;
    }

    /// <summary>Changes the state of one replica.</summary>
    public Task PublishUpdateAsync(
        IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        Publish(resource, resourceId, stateFactory);
        return Task.CompletedTask;
    }

    /// <summary>Ends all waits.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            watchers.ForEach(channel => channel.Writer.TryComplete());
        }

        GC.SuppressFinalize(this);
    }

    internal void Publish(
        IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        lock (gate)
        {
            var before = current.GetValueOrDefault(resourceId)?.Snapshot
                ?? new CustomResourceSnapshot { ResourceType = TypeOf(resource), Properties = [] };
            var after = change(before);
            if (after == before && current.ContainsKey(resourceId))
            {
                return;
            }

            current[resourceId] = new ResourceEvent(resource, resourceId, after);
            watchers.ForEach(channel => channel.Writer.TryWrite(current[resourceId]));
        }
    }

    internal bool AllReplicas(IResource resource, Func<CustomResourceSnapshot, bool> condition) =>
        ReplicasOf(resource).All(e => condition(e.Snapshot));

    internal ImmutableArray<ResourceEvent> ReplicasOf(IResource resource)
    {
        lock (gate)
        {
            return [.. current.Values.Where(e => ReferenceEquals(e.Resource, resource))];
        }
    }

    internal static bool IsHealthy(CustomResourceSnapshot snapshot) =>
        snapshot.State?.Text == KnownResourceStates.Running && snapshot.HealthStatus == HealthStatus.Healthy;

    private static bool IsNamed(ResourceEvent change, string name) =>
        string.Equals(change.Resource.Name, name, StringComparison.OrdinalIgnoreCase);

    private static bool IsEnded(CustomResourceSnapshot snapshot) =>
        snapshot.State is { } state && KnownResourceStates.TerminalStates.Contains(state.Text);

    private static bool IsUnavailable(CustomResourceSnapshot snapshot, WaitBehavior behavior) =>
        behavior == WaitBehavior.StopOnResourceUnavailable && IsEnded(snapshot);

    private static string TypeOf(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        ExecutableResource => "Executable",
        ContainerResource => "Container",
        _ => resource.GetType().Name,
    };

    private static DistributedApplicationException Unavailable(ResourceEvent change) =>
        new($"'{change.Resource.Name}' is {change.Snapshot.State?.Text} (exit code {change.Snapshot.ExitCode}).");

    private async Task WaitAsync(WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var behavior = wait.Behavior ?? defaultBehavior;
        if (wait.Kind == WaitKind.Healthy)
        {
            await WaitForResourceHealthyAsync(wait.Resource.Name, behavior, cancellationToken).ConfigureAwait(false);
            return;
        }

        // Completion is a terminal state itself, so only a failed start or a wrong code ends that wait badly.
        bool Done(CustomResourceSnapshot s) => wait.Kind == WaitKind.Started
            ? s.State?.Text == KnownResourceStates.Running
            : IsEnded(s);
        bool Bad(CustomResourceSnapshot s) => wait.Kind == WaitKind.Started
            ? IsUnavailable(s, behavior)
            : IsEnded(s) && s.ExitCode != wait.ExitCode;
        var last = await WaitForResourceAsync(
            wait.Resource.Name, e => Bad(e.Snapshot) || AllReplicas(e.Resource, Done), cancellationToken)
            .ConfigureAwait(false);
        // The change that ended the wait for an end may be older than the end.
        ImmutableArray<ResourceEvent> ended = wait.Kind == WaitKind.Started ? [last] : ReplicasOf(last.Resource);
        if (ended.FirstOrDefault(replica => Bad(replica.Snapshot)) is { } bad)
        {
            throw Unavailable(bad);
        }
    }
}
