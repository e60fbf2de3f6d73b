using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Inventory.System.Tests;

/// <summary>Keeps the last lines that a <see cref="Stack"/>'s resources wrote, for the message of a failure.</summary>
internal sealed class ResourceLog : ILoggerProvider
{
    private const int MostLines = 400;

    private readonly ConcurrentQueue<string> lines = new();

    public ILogger CreateLogger(string categoryName)
    {
        var resource = categoryName.LastIndexOf(".Resources.", StringComparison.Ordinal);
        return resource < 0 ? Silent.Instance : new Listener(this, categoryName[(resource + ".Resources.".Length)..]);
    }

    /// <summary>The lines, oldest first, each behind the name of its resource.</summary>
    public override string ToString() => string.Join(Environment.NewLine, lines);

    public void Dispose()
    {
        // Nothing to dispose of.
    }

    private void Add(string line)
    {
        lines.Enqueue(line);
        while (lines.Count > MostLines) lines.TryDequeue(out _);
    }

    private sealed class Listener(ResourceLog log, string resource) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            log.Add($"{resource}: {formatter(state, exception)}");
    }

    private sealed class Silent : ILogger
    {
        public static readonly Silent Instance = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => false;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            // Lines of other categories are not from resources.
        }
    }
}
