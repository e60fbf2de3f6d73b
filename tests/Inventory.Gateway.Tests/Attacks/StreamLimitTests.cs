using System.Net;
using System.Text.Json;
using Inventory.Gateway.Proxying;
using Inventory.Identity;
using Inventory.Testing;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Inventory.Gateway.Tests.Attacks;

/// <summary>Streams, which last as long as their readers like.</summary>
public sealed class StreamLimitTests : TwoGateways
{
    private const string Stream = "/api/stock/shoe/stream";

    private readonly List<HttpResponseMessage> open = [];

    protected override (string Key, string Value)[] Settings =>
    [
        ("Gateway:Limits:ConnectionsPerReplica", "8"),
        ("Gateway:Limits:Streams", "60"),
        ("Gateway:Limits:StreamsPerAddress", "30"),
        ("Gateway:Limits:StreamsPerSession", "3"),
    ];

    [Fact]
    public async Task Streams_take_no_connection_from_requests_and_payments()
    {
        await OpenAsync(30, "203.0.113.1");
        await OpenAsync(30, "203.0.113.2");

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, (await SendAsync(One, "POST", "/api/reservations")).Status);
            Assert.Equal(200, (await SendAsync(One, "POST", "/api/payments/webhook")).Status);
        }
    }

    [Fact]
    public async Task One_address_has_a_bound_and_all_together_have_one()
    {
        await OpenAsync(30, "203.0.113.1");
        await IsRefusedAsync(await StreamAsync("203.0.113.1"), 429, "too-many-requests");
        await OpenAsync(29, "203.0.113.2");
        // A caller with a key is bound by the total alone.
        await OpenAsync(1, "203.0.113.1", key: DemoKeys.Backend);
        await IsRefusedAsync(await StreamAsync("203.0.113.3"), 503, "too-many-listeners");
        await IsRefusedAsync(await StreamAsync("203.0.113.3", DemoKeys.Backend), 503, "too-many-listeners");

        open[0].Dispose();
        await Eventually.EqualAsync(HttpStatusCode.OK, async () => (await StreamAsync("203.0.113.3")).StatusCode);
    }

    [Fact]
    public async Task One_session_has_a_bound()
    {
        var cookie = await CookieAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await StreamAsync(Home, cookie: cookie)).StatusCode);
        }

        await IsRefusedAsync(await StreamAsync(Home, cookie: cookie), 429, "too-many-requests");
        Assert.Equal(HttpStatusCode.OK, (await StreamAsync(Home, cookie: await CookieAsync())).StatusCode);
        Assert.Equal(200, (await SendAsync(One, "GET", "/api/stock/shoe", cookie: cookie)).Status);
    }

    [Fact]
    public void Every_route_without_a_timeout_counts_as_a_stream_or_is_for_operators()
    {
        var counted = One.Endpoints.Where(one => one.Metadata.GetMetadata<StreamRoute>() is not null);
        var endless = One.Endpoints
            .Where(one => one.Metadata.GetMetadata<DisableRequestTimeoutAttribute>() is not null);

        Assert.Equal(["queue-events", "stock-stream"], counted.Select(one => one.DisplayName).Order());
        Assert.Equal(
            ["operations", "queue-events", "stock-stream"], endless.Select(one => one.DisplayName).Distinct().Order());
    }

    public override async Task DisposeAsync()
    {
        foreach (var response in open) response.Dispose();
        await base.DisposeAsync();
    }

    private async Task OpenAsync(int count, string from, string? key = null)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await StreamAsync(from, key)).StatusCode);
        }
    }

    private async Task<HttpResponseMessage> StreamAsync(string from, string? key = null, string? cookie = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Stream);
        request.Headers.Add("X-Forwarded-For", from);
        if (key is not null) request.Headers.Add("X-Api-Key", key);
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        var response = await One.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        open.Add(response);
        return response;
    }

    private static async Task IsRefusedAsync(HttpResponseMessage response, int status, string slug)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {text}");
        Assert.Equal($"/problems/{slug}", JsonElement.Parse(text).GetProperty("type").GetString());
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 5, 15);
    }
}
