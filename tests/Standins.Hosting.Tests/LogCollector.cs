using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Standins.Hosting.Tests;

/// <summary>Keeps what is logged.</summary>
public sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<LogEntry> entries = new();
    private readonly SemaphoreSlim added = new(0);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() => added.Dispose();

    /// <summary>Waits for an entry, which may have been logged already.</summary>
    public async Task<LogEntry> WaitForAsync(Func<LogEntry, bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (entries.FirstOrDefault(condition) is { } found)
            {
                return found;
            }

            await added.WaitAsync(patience.Token);
        }
    }

    private void Add(LogEntry entry)
    {
        entries.Enqueue(entry);
        added.Release();
    }

    private sealed class Logger(LogCollector collector, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            collector.Add(new LogEntry(category, logLevel, formatter(state, exception)));
    }
}

/// <summary>Something that was logged.</summary>
public sealed record LogEntry(string Category, LogLevel Level, string Message);
