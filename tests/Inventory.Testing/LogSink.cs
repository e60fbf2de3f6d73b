using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Inventory.Testing;

/// <summary>One entry of a log, with its exception.</summary>
public sealed record LogLine(LogLevel Level, string Category, string Text)
{
    public override string ToString() => $"{Level} {Category}: {Text}";
}

/// <summary>Keeps log lines, and lets a test wait for one.</summary>
public sealed class LogSink : ILoggerProvider
{
    private readonly ConcurrentQueue<LogLine> lines = new();

    /// <summary>The lines so far, oldest first.</summary>
    public IReadOnlyList<LogLine> All => [.. lines];

    /// <summary>How many lines contain a text.</summary>
    public int Count(string text) => lines.Count(line => line.Text.Contains(text, StringComparison.Ordinal));

    /// <summary>Completes when this number of lines, past or future, contain a text.</summary>
    public Task WaitForAsync(string text, int atLeast = 1) =>
        Eventually.TrueAsync(() => Count(text) >= atLeast, this, what: $"the log has \"{text}\" {atLeast} times");

    /// <summary>All lines, for the message of a failed test.</summary>
    public override string ToString() => string.Join(Environment.NewLine, lines);

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    public void Dispose()
    {
        // The lines stay readable after the host that wrote them has ended.
    }

    private sealed class CategoryLogger(LogSink sink, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            sink.lines.Enqueue(new(logLevel, category, $"{formatter(state, exception)} {exception}"));
    }
}
