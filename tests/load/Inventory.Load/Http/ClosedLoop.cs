using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Inventory.Load.Http;

/// <summary>
/// Connections that each send a request, wait for its answer, and send the next. As many requests are under way as
/// there are connections, so a slow server gets fewer requests. <see cref="LatencyHistogram.Corrected"/> corrects the
/// latencies for that.
/// </summary>
/// <param name="target">The server's address.</param>
/// <param name="connections">Requests under way at once.</param>
internal sealed class ClosedLoop(Uri target, int connections)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether a status counts as success; by default any 2xx.</summary>
    public Func<int, bool> Succeeds { get; init; } = status => status is >= 200 and < 300;

    /// <summary>Called for each answer.</summary>
    public Action<Answer>? Answered { get; init; }

    /// <summary>Sends requests until they run out or are stopped.</summary>
    /// <param name="next">
    /// Returns the request of a number, counted from 0 over all connections; null when there are no more. Several
    /// threads call it at once.
    /// </param>
    /// <param name="stop">Ends the load; requests under way at that time aren't counted.</param>
    public async Task<LoadResult> RunAsync(Func<long, byte[]?> next, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var number = -1L;
        // All connections share one histogram: one for each of thousands would fill the memory.
        var latencies = new LatencyHistogram();
        var all = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(
            () => LoopAsync(() => Interlocked.Increment(ref number), next, latencies, stop), CancellationToken.None)));
        var took = Stopwatch.GetElapsedTime(started);

        var corrected = latencies.Corrected(took * connections / Math.Max(1, latencies.Count));
        return new(took.TotalSeconds, all.Sum(loop => loop.Done), all.Sum(loop => loop.Errors),
            corrected.Milliseconds(0.5), corrected.Milliseconds(0.99), corrected.Milliseconds(0.999));
    }

    private async Task<(long Done, long Errors)> LoopAsync(
        Func<long> count, Func<long, byte[]?> next, LatencyHistogram latencies, CancellationToken stop)
    {
        using var connection = new HttpConnection(new DnsEndPoint(target.Host, target.Port));
        var (done, errors) = (0L, 0L);
        while (!stop.IsCancellationRequested)
        {
            var number = count();
            if (next(number) is not { } request) break;
            var begun = Stopwatch.GetTimestamp();
            int status;
            try
            {
                status = await connection.SendAsync(request, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // In runs that kill processes, the server does not listen for a moment.
                status = 0;
                await Task.WhenAny(Task.Delay(Pause, stop));
            }

            latencies.Add(Stopwatch.GetElapsedTime(begun));
            if (Succeeds(status)) done++;
            else errors++;
            Answered?.Invoke(new(number, status, status != 0 && connection.TellsWhenToRetry));
        }
        return (done, errors);
    }
}

/// <summary>The response to one request.</summary>
/// <param name="Number">The request's number.</param>
/// <param name="Status">The HTTP status; 0 when there was no answer.</param>
/// <param name="TellsWhenToRetry">Whether the response had a Retry-After header.</param>
internal readonly record struct Answer(long Number, int Status, bool TellsWhenToRetry);
