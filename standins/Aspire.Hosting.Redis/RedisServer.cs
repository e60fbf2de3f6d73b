using System.Globalization;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Starts redis-server.</summary>
internal static class RedisServer
{
    /// <summary>Finds the program.</summary>
    /// <exception cref="DistributedApplicationException">It is not installed.</exception>
    public static string Find() =>
        Programs.Find("redis-server", "install it, for instance with: sudo apt-get install redis-server");

    /// <summary>Plans one start. The password goes into a file, for arguments can be read by everyone.</summary>
    public static async Task<ProcessPlan> PlanAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var redis = (RedisResource)context.Resource;
        var folder = context.Services.GetRequiredService<DataFolders>().For(redis);
        var data = Path.Combine(folder, "data");
        Directory.CreateDirectory(data);
        List<string> arguments = [];
        if (redis.PasswordParameter is { } parameter)
        {
            var password = await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
            var file = Path.Combine(folder, "redis.conf");
            DataFolders.WriteSecret(file, $"requirepass \"{Escaped(password!)}\"\n");
            arguments.Add(file);
        }

        var port = redis.PrimaryEndpoint.Port.ToString(CultureInfo.InvariantCulture);
        // The minus lets a machine without IPv6 start all the same.
        arguments.AddRange(["--port", port, "--bind", "127.0.0.1", "-::1", "--dir", data]);
        var snapshots = redis.Annotations.OfType<SnapshotAnnotation>().SingleOrDefault()?.Setting;
        arguments.AddRange(["--save", snapshots ?? ""]);
        arguments.AddRange(context.Arguments);
        return new ProcessPlan(Find(), arguments, data)
        {
            Environment = context.Environment,
            Output = () => new RedisOutputReader(),
        };
    }

    private static string Escaped(string password) =>
        password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}

/// <summary>Reads the log of Redis, where the mark before the text is the level: # is a warning.</summary>
internal sealed class RedisOutputReader : OutputReader
{
    // Marked as warnings, and part of every healthy start and stop.
    private static readonly string[] Routine =
    [
        "oO0OoO0OoO0Oo", "Redis version=", "Configuration loaded", "WARNING Memory overcommit", "Server initialized",
        "User requested shutdown", "Redis is now ready to exit", "WARNING you have Transparent Huge Pages",
        "Received SIGTERM scheduling shutdown", "Warning: no config file specified",
    ];

    public override LogLevel LevelOf(string line) =>
        line.Contains(" # ", StringComparison.Ordinal)
            && !Routine.Any(text => line.Contains(text, StringComparison.Ordinal))
            || line.Contains("FATAL", StringComparison.Ordinal)
            || line.StartsWith("***", StringComparison.Ordinal)
            || line.StartsWith(">>>", StringComparison.Ordinal)
            ? LogLevel.Warning
            : LogLevel.Debug;
}
