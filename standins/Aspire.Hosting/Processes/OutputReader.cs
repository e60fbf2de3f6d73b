using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>Reads what a process prints, line by line. This one takes every line for news.</summary>
internal class OutputReader
{
    /// <summary>The level of a line; the console shows Information and above.</summary>
    /// <param name="line">The line without colours.</param>
    public virtual LogLevel LevelOf(string line) => LogLevel.Information;
}

/// <summary>Reads the console format of .NET, whose entries are a header and indented lines.</summary>
internal sealed partial class DotnetOutputReader : OutputReader
{
    private LogLevel entry = LogLevel.Information;

    public override LogLevel LevelOf(string line)
    {
        if (Header().Match(line) is { Success: true } header)
        {
            var level = header.Groups["level"].Value switch
            {
                "trce" => LogLevel.Trace,
                "dbug" => LogLevel.Debug,
                "warn" => LogLevel.Warning,
                "fail" => LogLevel.Error,
                "crit" => LogLevel.Critical,
                _ => LogLevel.Information,
            };
            entry = IsRoutine(header.Groups["category"].Value, level) ? LogLevel.Debug : level;
        }
        else if (!line.StartsWith(' '))
        {
            entry = LogLevel.Information;
        }

        return entry is LogLevel.Trace ? LogLevel.Debug : entry;
    }

    // What the host says of itself, four entries a start, is in the table of addresses already. And the AppHost, which
    // asks for the health, says itself when it changes.
    private static bool IsRoutine(string category, LogLevel level) =>
        (category == "Microsoft.Hosting.Lifetime" && level == LogLevel.Information)
        || category.StartsWith("Microsoft.Extensions.Diagnostics.HealthChecks", StringComparison.Ordinal);

    [GeneratedRegex(@"^([0-9:.TZ+ -]+ )?(?<level>trce|dbug|info|warn|fail|crit): (?<category>.*?)\[")]
    private static partial Regex Header();
}
