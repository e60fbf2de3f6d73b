using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>Tells a person how the start goes, and programs where everything listens.</summary>
internal sealed partial class StartReport(
    Terminal terminal,
    ResourceNotificationService notifications,
    ResourcesFile file,
    DataFolders folders,
    RunMode mode,
    ILoggerFactory loggers)
{
    // A start takes a few seconds. After this long a person wonders what it waits for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ILogger log = loggers.CreateLogger("Aspire.Hosting.DistributedApplication");

    /// <summary>Says what is about to start.</summary>
    public void Begin(IReadOnlyList<ResourceInstance> instances)
    {
        file.Remove();
        terminal.Announce(instances.Select(instance => instance.DisplayName));
        Starting(log);
        Directory(log, mode.AppHostDirectory);
        if (folders.IsOutside)
        {
            DataElsewhere(log, folders.Root);
        }
    }

    /// <summary>Prints the addresses when all is healthy; then keeps the file of addresses up to date.</summary>
    public async Task RunAsync(IReadOnlyList<ResourceInstance> instances, CancellationToken cancellationToken)
    {
        try
        {
            var reminder = RemindAsync(instances, cancellationToken);
            var announced = false;
            await foreach (var _ in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!announced && !instances.All(instance => IsReady(StateOf(instance))))
                {
                    continue;
                }

                // The file first: a script that waits for the line on the console reads it next.
                await file.WriteAsync(instances, cancellationToken).ConfigureAwait(false);
                if (!announced)
                {
                    Announce(instances);
                    announced = true;
                }
            }

            await reminder.ConfigureAwait(false);
        }
        finally
        {
            file.Remove();
        }
    }

    /// <summary>Says in one line why a replica can't be started.</summary>
    public void Failed(ResourceInstance instance, Exception e)
    {
        if (e is DistributedApplicationException)
        {
            NotStarted(log, instance.DisplayName, e.Message);
        }
        else
        {
            Broken(log, instance.DisplayName, e);
        }
    }

    private void Announce(IReadOnlyList<ResourceInstance> instances)
    {
        var rows = instances.Where(i => i.Resource is not ParameterResource)
            .Select(i => (i.DisplayName, Snapshot: StateOf(i)))
            .Select(i => (
                i.DisplayName,
                State: Word(i.Snapshot),
                Address: string.Join(' ', i.Snapshot.Urls.Select(u => u.Url))))
            .ToArray();
        var (first, second) = (rows.Max(r => r.DisplayName.Length), rows.Max(r => r.State.Length));
        foreach (var (name, state, address) in rows)
        {
            terminal.Write($"  {name.PadRight(first)}  {state.PadRight(second)}  {address}".TrimEnd());
        }

        Started(log);
    }

    private async Task RemindAsync(IReadOnlyList<ResourceInstance> instances, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Patience, cancellationToken).ConfigureAwait(false);
            var late = instances.Where(instance => !IsReady(StateOf(instance))).ToArray();
            if (late.Length == 0)
            {
                return;
            }

            Late(log, string.Join(", ", late.Select(i => $"{i.DisplayName} ({Word(StateOf(i))})")));
        }
    }

    private CustomResourceSnapshot StateOf(ResourceInstance instance) =>
        notifications.ReplicasOf(instance.Resource).Single(e => e.ResourceId == instance.Id).Snapshot;

    private static bool IsReady(CustomResourceSnapshot snapshot) => ResourceNotificationService.IsHealthy(snapshot)
        || (snapshot.State?.Text == KnownResourceStates.Finished && snapshot.ExitCode == 0);

    private static string Word(CustomResourceSnapshot snapshot) =>
        (snapshot.HealthStatus?.ToString() ?? snapshot.State?.Text ?? "").ToLowerInvariant();

    [LoggerMessage(Level = LogLevel.Information, Message = "Distributed application starting.")]
    private static partial void Starting(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Application host directory is: {Directory}")]
    private static partial void Directory(ILogger logger, string directory);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "Data is kept in {Root}: the account of PostgreSQL can't reach the repository. Standin__DataRoot changes it.")]
    private static partial void DataElsewhere(ILogger logger, string root);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "Distributed application started. Press Ctrl+C to shut down.")]
    private static partial void Started(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Not ready yet: {Resources}")]
    private static partial void Late(ILogger logger, string resources);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} can't start: {Reason}")]
    private static partial void NotStarted(ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} can't start.")]
    private static partial void Broken(ILogger logger, string name, Exception e);
}
