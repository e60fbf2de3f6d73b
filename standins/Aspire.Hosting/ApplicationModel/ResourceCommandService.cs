using Aspire.Hosting.Processes;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Starts, stops and restarts single resources.</summary>
public class ResourceCommandService
{
    private readonly IServiceProvider services;

    internal ResourceCommandService(IServiceProvider services) => this.services = services;

    /// <summary>Carries a command out.</summary>
    /// <param name="resourceId">A replica's id, or a resource's name for all its replicas.</param>
    /// <param name="commandName">One of <see cref="KnownResourceCommands"/>.</param>
    /// <param name="cancellationToken">Ends the wait; a process that was asked to end ends all the same.</param>
    /// <returns>Whether there is such a resource and such a command.</returns>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(
        string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        var instances = services.GetRequiredService<Orchestrator>().Instances
            .Where(i => IsSame(i.Id, resourceId) || IsSame(i.Resource.Name, resourceId)).ToArray();
        var stops = commandName is "resource-stop" or "resource-restart";
        var starts = commandName is "resource-start" or "resource-restart";
        if (instances.Length == 0 || !(stops || starts))
        {
            return new ExecuteCommandResult { Success = false };
        }

        if (stops)
        {
            await Task.WhenAll(instances.Select(i => i.StopAsync())).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (starts)
        {
            Array.ForEach(instances, i => i.Start());
        }

        return new ExecuteCommandResult { Success = true };
    }

    /// <summary>Carries a command out on every replica of a resource.</summary>
    public Task<ExecuteCommandResult> ExecuteCommandAsync(
        IResource resource, string commandName, CancellationToken cancellationToken = default) =>
        ExecuteCommandAsync(resource.Name, commandName, cancellationToken);

    private static bool IsSame(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}

/// <summary>The commands every resource has.</summary>
public static class KnownResourceCommands
{
    /// <summary>Starts a stopped resource.</summary>
    public static readonly string StartCommand = "resource-start";

    /// <summary>Stops a resource; it is not restarted.</summary>
    public static readonly string StopCommand = "resource-stop";

    /// <summary>Stops a resource and starts it.</summary>
    public static readonly string RestartCommand = "resource-restart";
}

/// <summary>How a command ended.</summary>
public sealed class ExecuteCommandResult
{
    /// <summary>Whether it was carried out.</summary>
    public required bool Success { get; init; }
}
