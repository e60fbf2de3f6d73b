using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>Brings what the processes print to the console, to the loggers of a test, and to watchers.</summary>
internal sealed partial class ResourceOutput(
    Terminal terminal,
    ILoggerFactory loggers,
    ResourceLoggerService backlog,
    DistributedApplicationOptions options,
    IHostEnvironment environment,
    RunMode mode)
{
    /// <summary>Returns what takes the lines of one start of a replica.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="displayName">The replica's name on the console.</param>
    /// <param name="reader">Tells chatter from news.</param>
    public Action<string, bool> For(IResource resource, string displayName, OutputReader reader)
    {
        var logger = loggers.CreateLogger($"{environment.ApplicationName}.Resources.{resource.Name}");
        return (line, isError) =>
        {
            var plain = Terminal.Plain(line);
            LogLevel level;
            lock (reader)
            {
                level = reader.LevelOf(plain);
            }

            var kept = backlog.Add(resource.Name, plain, isError);
            if (options.EnableResourceLogging)
            {
                Printed(logger, level < LogLevel.Information ? LogLevel.Information : level, kept.LineNumber, plain);
            }

            if (!mode.IsTest && level >= LogLevel.Information && plain.Length > 0)
            {
                terminal.WriteResource(displayName, line);
            }
        };
    }

    [LoggerMessage(Message = "{Number}: {Line}")]
    private static partial void Printed(ILogger logger, LogLevel level, int number, string line);
}
