using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using StackExchange.Redis;
using StackExchange.Redis.Profiling;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// Turns what the client's profiler notes down into spans, each a child of the span that was current when its command
/// was issued. The profiler has no callback for a command that has ended, so its notes are collected every now and
/// then; start and length are the command's own, whenever that is.
/// Absent: commands issued outside any span, such as a worker's polling, and the arguments of commands, which may
/// be personal data.
/// </summary>
internal sealed class CommandSpans : IDisposable
{
    /// <summary>The name that the instrumentation package for StackExchange.Redis uses.</summary>
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    // Often enough for a person who waits for a trace; 2 wake-ups a second are nothing.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    private readonly ActivitySource source = new(SourceName);
    private readonly ConcurrentDictionary<Activity, ProfilingSession> sessions = new();
    private readonly Timer timer;

    public CommandSpans()
    {
        // The timer must not carry the span on from whoever happened to ask for Redis first.
        using var _ = ExecutionContext.SuppressFlow();
        timer = new Timer(_ => Collect(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Notes the connection's commands from now on, unless nobody would ever see the spans.</summary>
    public void Watch(IConnectionMultiplexer connection, StackExchangeRedisSettings settings)
    {
        if (!settings.DisableTracing && source.HasListeners())
        {
            connection.RegisterProfiler(Session);
            timer.Change(Interval, Interval);
        }
    }

    /// <summary>Collects what is left. The tracer provider calls it before it flushes.</summary>
    public void Dispose()
    {
        timer.Dispose();
        Collect();
        source.Dispose();
    }

    private ProfilingSession? Session() => Activity.Current is { Recorded: true } current
        ? sessions.GetOrAdd(current, static _ => new ProfilingSession())
        : null;

    private void Collect()
    {
        lock (timer)
        {
            foreach (var (parent, session) in sessions)
            {
                // Asked before the notes are taken: what a span issued before it ended is then among them, but for
                // commands nobody waited for.
                var ended = parent.IsStopped;
                foreach (var command in session.FinishProfiling())
                {
                    Record(command, parent.Context);
                }

                if (ended)
                {
                    sessions.TryRemove(parent, out _);
                }
            }
        }
    }

    private void Record(IProfiledCommand command, ActivityContext parent)
    {
        var started = new DateTimeOffset(DateTime.SpecifyKind(command.CommandCreated, DateTimeKind.Utc));
        using var span = source.StartActivity(
            command.Command, ActivityKind.Client, parent, tags: null, links: null, started);
        if (span is null)
        {
            return;
        }

        span.SetTag("db.system", "redis");
        span.SetTag("db.operation", command.Command);
        span.SetTag("db.statement", command.Command);
        span.SetTag("db.redis.database_index", command.Db);
        var (address, port) = command.EndPoint switch
        {
            DnsEndPoint dns => (dns.Host, dns.Port),
            IPEndPoint ip => (ip.Address.ToString(), ip.Port),
            var other => (other?.ToString(), 0),
        };
        span.SetTag("server.address", address);
        if (port > 0)
        {
            span.SetTag("server.port", port);
        }

        span.SetEndTime(started.UtcDateTime + command.ElapsedTime);
    }
}
