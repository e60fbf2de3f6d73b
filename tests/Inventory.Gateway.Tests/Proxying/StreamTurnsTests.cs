using Inventory.Gateway.Proxying;
using Inventory.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace Inventory.Gateway.Tests.Proxying;

/// <summary>The turns in which a crowd of readers opens its streams.</summary>
public sealed class StreamTurnsTests : IDisposable
{
    private static readonly int AtOnce = 16 * Environment.ProcessorCount;

    private readonly FakeTimeProvider time = new();
    private readonly StreamTurns turns;
    private readonly TaskCompletionSource answered = new();
    private int opening;

    public StreamTurnsTests() => turns = new(time);

    [Fact]
    public async Task Some_streams_open_at_a_time_and_the_next_when_one_is_open()
    {
        var readers = Enumerable.Range(0, AtOnce + 3).Select(_ => new Reader()).ToList();
        var streams = readers.Select(reader => turns.InvokeAsync(reader.Context, OpenAsync)).ToList();
        Assert.Equal(AtOnce, opening);

        await readers[0].BeginAnswerAsync();
        await UntilAsync(AtOnce + 1);
        // A turn ends once.
        await readers[0].BeginAnswerAsync();
        Assert.Equal(AtOnce + 1, opening);

        answered.SetResult();
        await Task.WhenAll(streams);
        Assert.Equal(AtOnce + 3, opening);
    }

    [Fact]
    public async Task A_replica_that_hangs_stops_other_streams_for_a_second()
    {
        var streams = Enumerable.Range(0, AtOnce + 3)
            .Select(_ => turns.InvokeAsync(new Reader().Context, OpenAsync)).ToList();
        Assert.Equal(AtOnce, opening);

        time.Advance(TimeSpan.FromSeconds(1));

        await UntilAsync(AtOnce + 3);
        answered.SetResult();
        await Task.WhenAll(streams);
    }

    [Fact]
    public async Task A_reader_that_leaves_while_it_waits_takes_no_turn()
    {
        var streams = Enumerable.Range(0, AtOnce).Select(_ => turns.InvokeAsync(new Reader().Context, OpenAsync));
        var begun = streams.ToList();
        using var left = new CancellationTokenSource();
        var reader = new Reader { Context = { RequestAborted = left.Token } };
        var waiting = turns.InvokeAsync(reader.Context, OpenAsync);

        await left.CancelAsync();
        await waiting.WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(AtOnce, opening);
        answered.SetResult();
        await Task.WhenAll(begun);
    }

    [Fact]
    public async Task Other_requests_need_no_turn()
    {
        var requests = Enumerable.Range(0, AtOnce + 3)
            .Select(_ => turns.InvokeAsync(new DefaultHttpContext(), OpenAsync)).ToList();
        Assert.Equal(AtOnce + 3, opening);
        answered.SetResult();
        await Task.WhenAll(requests);
    }

    public void Dispose() => turns.Dispose();

    private async Task OpenAsync(HttpContext context)
    {
        Interlocked.Increment(ref opening);
        await answered.Task;
    }

    private Task UntilAsync(int streams) =>
        Eventually.EqualAsync(streams, () => Task.FromResult(Volatile.Read(ref opening)));

    /// <summary>A request for a stream. The answer begins when a test says so.</summary>
    private sealed class Reader : HttpResponseFeature
    {
        private Func<Task> beginning = () => Task.CompletedTask;

        public Reader()
        {
            Context.Features.Set<IHttpResponseFeature>(this);
            Context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new StreamRoute()), "stream"));
        }

        public DefaultHttpContext Context { get; } = new();

        public override void OnStarting(Func<object, Task> callback, object state) => beginning = () => callback(state);

        public Task BeginAnswerAsync() => beginning();
    }
}
