using Microsoft.Extensions.Logging;

namespace Inventory.Gateway.Tests;

/// <summary>Keeps log lines, and lets a test wait for one.</summary>
public sealed class LoggedLines : ILoggerProvider
{
    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    private readonly List<(string Text, TaskCompletionSource Seen)> awaited = [];

    public IReadOnlyList<string> All
    {
        get { lock (gate) return [.. lines]; }
    }

    /// <summary>Completes with the first line that contains <paramref name="text"/>, past or future.</summary>
    /// <exception cref="TimeoutException">There was no such line within ten seconds.</exception>
    public Task WaitForAsync(string text)
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (lines.Any(line => line.Contains(text, StringComparison.Ordinal))) return Task.CompletedTask;
            awaited.Add((text, seen));
        }

        return seen.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    public ILogger CreateLogger(string categoryName) => new Line(this);

    public void Dispose()
    {
    }

    private void Add(string line)
    {
        lock (gate)
        {
            lines.Add(line);
            foreach (var (text, seen) in awaited)
            {
                if (line.Contains(text, StringComparison.Ordinal)) seen.TrySetResult();
            }
        }
    }

    private sealed class Line(LoggedLines log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => log.Add($"{formatter(state, exception)} {exception}");
    }
}
