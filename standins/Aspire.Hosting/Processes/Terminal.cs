using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>The console of the AppHost, one line at a time.</summary>
/// <param name="output">Where lines go.</param>
/// <param name="colour">Whether to colour names, and to let the colours of services through.</param>
internal sealed partial class Terminal(TextWriter output, bool colour)
{
    private static readonly string[] Colours = ["36", "32", "33", "35", "34", "96", "92", "93", "95", "94"];

    private readonly Lock gate = new();
    private readonly Dictionary<string, string> colours = [];
    private int width;

    /// <summary>Whether a console shows colours: not when redirected, and not when NO_COLOR is set.</summary>
    public static bool WantsColour() =>
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Removes colours.</summary>
    public static string Plain(string line) => Escape().Replace(line, "");

    /// <summary>Makes room for the names that lines will begin with.</summary>
    public void Announce(IEnumerable<string> names)
    {
        lock (gate)
        {
            foreach (var name in names)
            {
                colours.TryAdd(name, Colours[colours.Count % Colours.Length]);
                width = Math.Max(width, name.Length);
            }
        }
    }

    /// <summary>Writes a line of a resource.</summary>
    public void WriteResource(string name, string line)
    {
        lock (gate)
        {
            var label = name.PadRight(width);
            output.WriteLine(colour
                ? $"\e[{colours.GetValueOrDefault(name, "37")}m{label} |\e[0m {line}\e[0m"
                : $"{label} | {Plain(line)}");
        }
    }

    /// <summary>Writes a line of the AppHost.</summary>
    public void Write(string line)
    {
        lock (gate)
        {
            output.WriteLine(line);
        }
    }

    /// <summary>Writes a line about something that needs attention.</summary>
    public void WriteWarning(string line) => Write(colour ? $"\e[33m{line}\e[0m" : line);

    /// <summary>Writes a line about something that failed.</summary>
    public void WriteError(string line) => Write(colour ? $"\e[31m{line}\e[0m" : line);

    [GeneratedRegex(@"\e\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Escape();
}

/// <summary>Shows what the AppHost's own code logs.</summary>
internal sealed class TerminalLoggerProvider(Terminal terminal) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger(terminal, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(Terminal terminal, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            var text = formatter(state, exception) + (exception is null ? "" : $" {exception}");
            var line = category.StartsWith("Aspire.Hosting", StringComparison.Ordinal) ? text : $"{category}: {text}";
            switch (logLevel)
            {
                case >= LogLevel.Error:
                    terminal.WriteError(line);
                    break;
                case LogLevel.Warning:
                    terminal.WriteWarning(line);
                    break;
                default:
                    terminal.Write(line);
                    break;
            }
        }
    }
}
