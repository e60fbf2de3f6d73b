using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Inventory.AppHost.Operations;

/// <summary>Commands of Redis: its rebuild, and in Development the failures that the product has to survive.</summary>
internal static class RedisCommands
{
    private const string Epochs = "{inv:*}:epoch";
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly InteractionInput Seconds = new()
    {
        Name = "seconds",
        Label = "Seconds",
        InputType = InputType.Number,
        Required = true,
        Value = "5",
        Description = "How long Redis answers no caller, 1 to 60.",
    };

    /// <summary>
    /// Adds the rebuild. It deletes the epoch: without it every script that sells refuses, and the reconciliation
    /// worker rebuilds Redis from PostgreSQL.
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> WithRebuild(
        this IResourceBuilder<IResourceWithConnectionString> redis) =>
        redis.WithOperation("rebuild-stock", "Rebuild from PostgreSQL",
            "Stops the sale, sets totals, holds and limits in Redis to what PostgreSQL says, and sells again.",
            "DatabaseArrowUp", (_, cancellationToken) => RebuildAsync(redis.Resource, cancellationToken),
            confirmation: "Nothing is sold until the rebuild ends; shoppers wait in the queue. Rebuild now?");

    /// <summary>Adds failures: lost data, a killed process, and a process that hangs.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> WithAccidents(
        this IResourceBuilder<IResourceWithConnectionString> redis)
    {
        if (!redis.ApplicationBuilder.Environment.IsDevelopment()) return redis;
        return redis
            .WithOperation(
                "wipe", "Wipe", "FLUSHALL: Redis loses all data, as after the loss of its disk.", "Eraser",
                (_, cancellationToken) => WipeAsync(redis.Resource, cancellationToken),
                confirmation: "Delete everything in Redis? The product rebuilds it from PostgreSQL.")
            .WithCommand("kill", "Kill", KillAsync, new()
            {
                Description = "kill -9: the process ends without a chance to write anything.",
                IconName = "Flash",
                ConfirmationMessage = "Kill Redis? It restarts automatically.",
            })
            .WithCommand("freeze", "Freeze", FreezeAsync, new()
            {
                Description = "SIGSTOP: Redis keeps its connections and answers no caller, as on a hung disk.",
                IconName = "WeatherSnowflake",
                Arguments = [Seconds],
                ConfirmationMessage = "Freeze Redis? Nothing is sold meanwhile; shoppers wait in the queue.",
                Progress = new() { Title = "Freeze", Message = "Redis is frozen." },
            });
    }

    private static async Task<ExecuteCommandResult> RebuildAsync(
        IResourceWithConnectionString resource, CancellationToken cancellationToken)
    {
        await using var redis = await ConnectAsync(resource, cancellationToken);
        var server = redis.GetServers()[0];
        var epochs = server.Keys(pattern: Epochs).ToArray();
        if (epochs.Length == 0) return CommandResults.Failure("Redis is being rebuilt already.");
        var clock = Stopwatch.StartNew();
        await redis.GetDatabase().KeyDeleteAsync(epochs);
        while (server.Keys(pattern: Epochs).Count() < epochs.Length)
        {
            if (clock.Elapsed > Patience)
            {
                return CommandResults.Failure("Not done after ten minutes: see the reconciliation worker's log.");
            }

            await Task.Delay(Glance, cancellationToken);
        }

        return Operation.Said(
            $"Redis matches PostgreSQL, and sells again after {clock.Elapsed.TotalSeconds:0.0} s.");
    }

    private static async Task<ExecuteCommandResult> WipeAsync(
        IResourceWithConnectionString resource, CancellationToken cancellationToken)
    {
        await using var redis = await ConnectAsync(resource, cancellationToken);
        var server = redis.GetServers()[0];
        var keys = await server.DatabaseSizeAsync();
        await server.FlushAllDatabasesAsync();
        return Operation.Said($"Redis has lost {keys} keys.");
    }

    private static async Task<ExecuteCommandResult> KillAsync(ExecuteCommandContext context) =>
        await SignalAsync(context, "KILL") is { } failure ? CommandResults.Failure(failure)
            : Operation.Said("Redis was killed.");

    private static async Task<ExecuteCommandResult> FreezeAsync(ExecuteCommandContext context)
    {
        var text = context.Arguments.GetString(Seconds.Name);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds is < 1 or > 60)
        {
            return CommandResults.Failure($"Seconds must be a whole number from 1 to 60, and are {text}.");
        }

        if (await SignalAsync(context, "STOP") is { } failure) return CommandResults.Failure(failure);
        // Redis continues also when the command is cancelled; otherwise it would stay frozen.
        await Task.Delay(TimeSpan.FromSeconds(seconds), context.CancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await SignalAsync(context, "CONT") is { } stuck ? CommandResults.Failure(stuck)
            : Operation.Said($"Redis was frozen for {seconds} s.");
    }

    /// <summary>Sends a signal to the server, a process of this machine or a container.</summary>
    /// <returns>Why it could not be sent; null when it was.</returns>
    private static async Task<string?> SignalAsync(ExecuteCommandContext context, string signal)
    {
        var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
        if (!notifications.TryGetCurrentState(context.ResourceName, out var current)
            || current.Snapshot.State?.Text != KnownResourceStates.Running)
        {
            // The process id of a server that has stopped may be another program's by now.
            return "Redis does not run.";
        }

        var properties = current.Snapshot.Properties;
        string? Property(string name) =>
            Convert.ToString(properties.FirstOrDefault(each => each.Name == name)?.Value, CultureInfo.InvariantCulture);
        var start = Property("executable.pid") is { Length: > 0 } pid
            ? new ProcessStartInfo("kill", [$"-{signal}", pid])
            : Property("container.id") is { Length: > 0 } container
            ? new ProcessStartInfo(ContainerEngine.Program, ["kill", "--signal", signal, container])
            : null;
        if (start is null) return "Redis does not run.";
        start.RedirectStandardError = true;
        using var kill = Process.Start(start)!;
        var words = await kill.StandardError.ReadToEndAsync(CancellationToken.None);
        await kill.WaitForExitAsync(CancellationToken.None);
        return kill.ExitCode == 0 ? null : words.Trim();
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(
        IResourceWithConnectionString redis, CancellationToken cancellationToken)
    {
        var options = ConfigurationOptions.Parse((await redis.GetConnectionStringAsync(cancellationToken))!);
        options.AllowAdmin = true;
        try
        {
            return await ConnectionMultiplexer.ConnectAsync(options);
        }
        catch (RedisConnectionException)
        {
            throw new OperationRefusedException("Redis does not answer.");
        }
    }
}
