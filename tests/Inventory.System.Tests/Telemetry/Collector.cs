using System.Text;
using Microsoft.AspNetCore.Http;

namespace Inventory.System.Tests.Telemetry;

/// <summary>A span as it arrived. Identifiers are in hexadecimal; the parent's is empty for a root.</summary>
/// <param name="Links">Linked spans, each as its trace id and span id.</param>
public sealed record Span(
    string Service, string Source, string TraceId, string Id, string ParentId, string Name,
    IReadOnlyDictionary<string, string> Tags, IReadOnlyList<(string TraceId, string Id)> Links);

/// <summary>Receives OTLP over HTTP as a collector does, and keeps spans and the names of metrics.</summary>
public sealed class Collector : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Span> spans = [];
    private readonly HashSet<string> metrics = [];
    private TaskCompletionSource arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoopbackServer? server;

    public string Address => server!.Address.ToString();

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        collector.server = await LoopbackServer.StartAsync(collector.TakeAsync);
        return collector;
    }

    /// <summary>The spans so far. Hosts that share a process export each other's, so a span may arrive twice.</summary>
    public IReadOnlyList<Span> Spans
    {
        get
        {
            lock (gate)
            {
                return [.. spans.Values];
            }
        }
    }

    /// <summary>Waits until the spans of a trace satisfy the condition, and returns them.</summary>
    public Task<IReadOnlyList<Span>> TraceAsync(string traceId, Predicate<IReadOnlyList<Span>> complete) =>
        WhenAsync(() => (IReadOnlyList<Span>)[.. spans.Values.Where(s => s.TraceId == traceId)], complete);

    /// <summary>Waits until the spans linked to a trace satisfy the condition, and returns them.</summary>
    public Task<IReadOnlyList<Span>> LinkedAsync(string traceId, Predicate<IReadOnlyList<Span>> complete) => WhenAsync(
        () => (IReadOnlyList<Span>)[.. spans.Values.Where(s => s.Links.Any(link => link.TraceId == traceId))],
        complete);

    /// <summary>Waits until the names of all metrics satisfy the condition, and returns them.</summary>
    public Task<IReadOnlyList<string>> MetricsAsync(Predicate<IReadOnlyList<string>> complete) =>
        WhenAsync(() => (IReadOnlyList<string>)[.. metrics], complete);

    public ValueTask DisposeAsync() => server!.DisposeAsync();

    private async Task<IReadOnlyList<T>> WhenAsync<T>(Func<IReadOnlyList<T>> read, Predicate<IReadOnlyList<T>> complete)
    {
        var limit = Task.Delay(TimeSpan.FromSeconds(60));
        while (true)
        {
            IReadOnlyList<T> seen;
            Task next;
            lock (gate)
            {
                seen = read();
                next = arrival.Task;
            }

            if (complete(seen))
            {
                return seen;
            }

            Assert.True(await Task.WhenAny(next, limit) == next, $"Only this arrived: {string.Join("; ", seen)}");
        }
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        lock (gate)
        {
            if (context.Request.Path == "/v1/traces")
            {
                TakeSpans(body.ToArray());
            }
            else if (context.Request.Path == "/v1/metrics")
            {
                TakeMetrics(body.ToArray());
            }

            arrival.SetResult();
            arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    // ExportTraceServiceRequest, ResourceSpans, ScopeSpans, Span: the field numbers are those of OTLP 1.
    private void TakeSpans(byte[] request)
    {
        foreach (var ofResource in ProtobufReader.Fields(request, 1))
        {
            var service = ProtobufReader.Fields(ofResource, 1).SelectMany(Attributes(1))
                .FirstOrDefault(attribute => attribute.Key == "service.name").Value;
            foreach (var ofScope in ProtobufReader.Fields(ofResource, 2))
            {
                var source = ProtobufReader.Fields(ofScope, 1).Select(scope => Text(scope, 1)).FirstOrDefault("");
                foreach (var span in ProtobufReader.Fields(ofScope, 2))
                {
                    var id = Hex(span, 2);
                    spans.TryAdd(id, new Span(
                        service, source, Hex(span, 1), id, Hex(span, 4), Text(span, 5),
                        Attributes(9)(span).ToDictionary(a => a.Key, a => a.Value),
                        [.. ProtobufReader.Fields(span, 13).Select(link => (Hex(link, 1), Hex(link, 2)))]));
                }
            }
        }
    }

    private void TakeMetrics(byte[] request) => metrics.UnionWith(
        from ofResource in ProtobufReader.Fields(request, 1)
        from ofScope in ProtobufReader.Fields(ofResource, 2)
        from metric in ProtobufReader.Fields(ofScope, 2)
        select Text(metric, 1));

    // Text values only; numbers come out empty.
    private static Func<ReadOnlyMemory<byte>, IEnumerable<KeyValuePair<string, string>>> Attributes(int number) =>
        message => ProtobufReader.Fields(message, number).Select(attribute => KeyValuePair.Create(
            Text(attribute, 1),
            ProtobufReader.Fields(attribute, 2).Select(value => Text(value, 1)).FirstOrDefault("")));

    private static string Text(ReadOnlyMemory<byte> message, int number) =>
        ProtobufReader.Fields(message, number).Select(value => Encoding.UTF8.GetString(value.Span)).FirstOrDefault("");

    private static string Hex(ReadOnlyMemory<byte> message, int number) =>
        ProtobufReader.Fields(message, number).Select(v => Convert.ToHexStringLower(v.Span)).FirstOrDefault("");
}
