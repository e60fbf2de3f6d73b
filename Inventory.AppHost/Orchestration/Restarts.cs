using Inventory.AppHost.LocalServers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Inventory.AppHost.Orchestration;

/// <summary>
/// Restarts resources that ended by themselves, as deployment platforms do; Aspire doesn't. A resource that a person
/// stopped stays down: it passes the state "Stopping", and one that ends by itself doesn't.
/// </summary>
internal sealed partial class Restarts(
    ResourceNotificationService notifications, ResourceCommandService commands, TimeProvider time,
    ILogger<Restarts> log) : BackgroundService
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    // A run shorter than this doubles the pause, so that a service that can't start is restarted less and less often.
    private static readonly TimeSpan LongRun = TimeSpan.FromSeconds(20);

    private readonly Dictionary<string, Instance> instances = [];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            if (change.Resource is not (ProjectResource or ServerProcess or ContainerResource)) continue;
            if (!instances.TryGetValue(change.ResourceId, out var instance))
            {
                instances[change.ResourceId] = instance = new();
            }

            var state = change.Snapshot.State?.Text;
            if (state == instance.State) continue;
            var ended = KnownResourceStates.TerminalStates.Contains(state)
                && HasStarted(instance.State, change.Snapshot);
            instance.State = state;
            if (state == KnownResourceStates.Starting || state == KnownResourceStates.Running)
            {
                instance.Started = time.GetTimestamp();
            }

            if (!ended) continue;
            instance.Pause = time.GetElapsedTime(instance.Started) > LongRun ? ShortestPause
                : TimeSpan.FromTicks(Math.Min(2 * instance.Pause.Ticks, LongestPause.Ticks));
            Ended(change.ResourceId, change.Snapshot.ExitCode, instance.Pause.TotalSeconds);
            _ = StartAsync(change.ResourceId, instance, stoppingToken);
        }
    }

    /// <summary>
    /// Whether a resource in a terminal state had started. Aspire reports a container as running seconds after it runs;
    /// one that ends before leaves the state "Starting" with an exit code. One that can't be started has no exit code.
    /// </summary>
    private static bool HasStarted(string? before, CustomResourceSnapshot now) =>
        before == KnownResourceStates.Running || (before == KnownResourceStates.Starting && now.ExitCode is not null);

    private async Task StartAsync(string resource, Instance instance, CancellationToken stoppingToken)
    {
        await Task.Delay(instance.Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // A person may have started it meanwhile.
        var isDown = KnownResourceStates.TerminalStates.Contains(instance.State);
        if (stoppingToken.IsCancellationRequested || !isDown) return;
        await commands.ExecuteCommandAsync(resource, KnownResourceCommands.StartCommand, stoppingToken);
    }

    [LoggerMessage(1, LogLevel.Information,
        "{Resource} ended by itself with exit code {ExitCode}; it is started again in {Seconds} s.")]
    private partial void Ended(string resource, int? exitCode, double seconds);

    private sealed class Instance
    {
        public string? State { get; set; }

        public long Started { get; set; }

        public TimeSpan Pause { get; set; } = ShortestPause / 2;
    }
}
