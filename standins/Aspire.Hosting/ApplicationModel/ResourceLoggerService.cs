using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Keeps the last lines that each resource printed.</summary>
public class ResourceLoggerService
{
    // Enough to see why a process ended; a service that prints for days must not fill memory.
    private const int LinesKept = 1_000;

    private readonly ConcurrentDictionary<string, Backlog> backlogs = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The lines kept of a resource, then those it prints from now on.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource) => WatchAsync(resource.Name);

    /// <summary>The lines kept of a resource, then those it prints from now on.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName)
    {
        await foreach (var lines in Of(resourceName).WatchAsync(default).ConfigureAwait(false))
        {
            yield return lines;
        }
    }

    internal LogLine Add(string resourceName, string content, bool isErrorMessage) =>
        Of(resourceName).Add(content, isErrorMessage);

    private Backlog Of(string resourceName) => backlogs.GetOrAdd(resourceName, _ => new Backlog());

    private sealed class Backlog
    {
        private readonly Lock gate = new();
        private readonly Queue<LogLine> kept = new();
        private readonly List<Channel<LogLine>> watchers = [];
        private int count;

        public LogLine Add(string content, bool isErrorMessage)
        {
            lock (gate)
            {
                var line = new LogLine(++count, content, isErrorMessage);
                kept.Enqueue(line);
                if (kept.Count > LinesKept)
                {
                    kept.Dequeue();
                }

                watchers.ForEach(channel => channel.Writer.TryWrite(line));
                return line;
            }
        }

        public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(
            [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var channel = Channel.CreateUnbounded<LogLine>();
            IReadOnlyList<LogLine> earlier;
            lock (gate)
            {
                earlier = [.. kept];
                watchers.Add(channel);
            }

            try
            {
                if (earlier.Count > 0)
                {
                    yield return earlier;
                }

                await foreach (var line in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                {
                    yield return [line];
                }
            }
            finally
            {
                lock (gate)
                {
                    watchers.Remove(channel);
                }
            }
        }
    }
}

/// <summary>A line that a resource printed.</summary>
/// <param name="LineNumber">1 for the first line of the resource.</param>
/// <param name="Content">The line.</param>
/// <param name="IsErrorMessage">Whether it came from standard error.</param>
public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);
