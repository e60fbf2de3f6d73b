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
            // What the host says of itself, four entries a start, is in the table of addresses already.
            var routine = header.Groups["category"].Value == "Microsoft.Hosting.Lifetime";
            entry = routine && level == LogLevel.Information ? LogLevel.Debug : level;
        }
        else if (!line.StartsWith(' '))
        {
            entry = LogLevel.Information;
        }

        return entry is LogLevel.Trace ? LogLevel.Debug : entry;
    }

    [GeneratedRegex(@"^(?<level>trce|dbug|info|warn|fail|crit): (?<category>.*?)\[")]
    private static partial Regex Header();
}
