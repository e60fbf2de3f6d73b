using Microsoft.Extensions.Logging;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Keeps log lines for assertions.</summary>
public sealed class LoggedLines : ILoggerProvider
{
    private readonly Lock access = new();
    private readonly List<(LogLevel Level, string Text)> lines = [];

    public IReadOnlyList<(LogLevel Level, string Text)> All
    {
        get { lock (access) return [.. lines]; }
    }

    public int Count(string text) => All.Count(line => line.Text.Contains(text, StringComparison.Ordinal));

    public ILogger CreateLogger(string categoryName) => new Line(this);

    public void Dispose()
    {
    }

    private sealed class Line(LoggedLines log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (log.access) log.lines.Add((logLevel, $"{formatter(state, exception)} {exception}"));
        }
    }
}
