namespace Inventory.Gateway.Tests.Proxying;

/// <summary>The gateway passes on streams without buffering, and long answers without the usual timeout.</summary>
public sealed class StreamTests : TwoReplicas
{
    protected override (string Key, string Value)[] Settings =>
    [
        ("Gateway:Limits:RequestTimeout", "00:00:00.300"),
        ("Gateway:Limits:ActivityTimeout", "00:00:01"),
    ];

    [Fact]
    public async Task An_event_arrives_before_the_replica_sends_the_next_one()
    {
        using var response = await Client.GetAsync("/api/stock/shoe/stream", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("data: first", await reader.ReadLineAsync());

        One.ReleaseStream();
        Other.ReleaseStream();
        Assert.Equal("\ndata: second\n\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task A_stream_may_exceed_the_request_timeout_but_ends_when_its_replica_is_idle_too_long()
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        using var response = await Client.GetAsync("/api/stock/shoe/stream", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("data: first", await reader.ReadLineAsync());

        await Assert.ThrowsAnyAsync<IOException>(reader.ReadToEndAsync);

        Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task An_operators_run_has_a_longer_timeout_of_its_own()
    {
        using var response = await Client.SendAsync(Request("POST", "/api/operations/slow"));

        await ProblemAssert.IsProblemAsync(response, 504, "upstream-timeout", "/api/operations/slow");
    }
}
