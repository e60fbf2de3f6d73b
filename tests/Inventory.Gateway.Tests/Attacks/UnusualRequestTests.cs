using System.Text;
using Inventory.Identity;
using Microsoft.Extensions.Logging;

namespace Inventory.Gateway.Tests.Attacks;

/// <summary>Requests that HTTP allows, or nearly, and that no usual client sends.</summary>
public sealed class UnusualRequestTests : TwoReplicas
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    [Theory]
    [InlineData("User-Agent")]
    [InlineData("Cookie")]
    [InlineData("Idempotency-Key")]
    [InlineData("X-Anything")]
    public async Task A_header_beyond_ASCII_is_passed_on_and_harms_no_replica(string name)
    {
        for (var i = 0; i < 5; i++)
        {
            var answer = await SendAsync($"GET /api/reservations/1 HTTP/1.1\r\nHost: localhost\r\n{name}: é€\r\n");
            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        }

        var received = One.Requests.Concat(Other.Requests).ToList();
        Assert.Equal(5, received.Count);
        Assert.All(received, request => Assert.Equal("é€", request.Headers[name]));
        Assert.Equal(0, Gateway.Log.Count("Unhealthy"));
    }

    [Fact]
    public async Task A_header_that_is_not_UTF8_is_refused_and_harms_no_replica()
    {
        for (var i = 0; i < 5; i++)
        {
            using var client = await RawClient.ConnectAsync(Gateway.Address.Port);
            await client.SendAsync([
                .. "GET /api/reservations/1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "u8, 0xE9, .. "\r\n\r\n"u8,
            ]);
            Assert.StartsWith("HTTP/1.1 400", await client.LineAsync(), StringComparison.Ordinal);
        }

        Assert.Empty(One.Requests.Concat(Other.Requests));
        Assert.Equal(0, Gateway.Log.Count("Unhealthy"));
    }

    [Theory]
    [InlineData("head /api/reservations/1 HTTP/1.1\r\nHost: localhost\r\n")]
    [InlineData("get /api/reservations/1 HTTP/1.1\r\nHost: localhost\r\n")]
    [InlineData("head /nowhere HTTP/1.1\r\nHost: localhost\r\n")]
    [InlineData("head /health HTTP/1.1\r\nHost: localhost\r\n")]
    [InlineData("POST /reserve HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n")]
    [InlineData(
        "POST /reserve HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n0\r\n")]
    public async Task A_request_that_could_be_read_in_two_ways_is_refused(string request)
    {
        var answer = await SendAsync(request);

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("/problems/malformed-request", answer, StringComparison.Ordinal);
        Assert.Empty(One.Requests.Concat(Other.Requests));
    }

    public static TheoryData<string> MalformedBodies => new(
        // Sizes of chunks: no number, one of 36 bits, and one that is too large for a signed number of 32.
        "nonsense\r\n", "fffffffff\r\n", "80000000\r\n", "3\r\nabcX\r\n",
        // Trailers: a byte that is not UTF-8, NUL, and what is no header.
        "0\r\nA: \u00ff\r\n\r\n", "0\r\nA: \0\r\n\r\n", "0\r\nA\0: b\r\n\r\n", "0\r\n\u00ff: b\r\n\r\n",
        "0\r\nA\r\n\r\n");

    [Theory]
    [MemberData(nameof(MalformedBodies))]
    public async Task A_malformed_body_is_refused_and_ends_its_connection(string body)
    {
        foreach (var together in new[] { true, false })
        {
            using var client = await RawClient.ConnectAsync(Gateway.Address.Port);
            var head = "POST /reserve HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
            if (together) await client.SendAsync(Encoding.Latin1.GetBytes(head + body));
            else
            {
                await client.SendAsync(head);
                await client.SendAsync(Encoding.Latin1.GetBytes(body));
            }

            var answer = await client.RestAsync();
            Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
            Assert.Contains("\nConnection: close\n", answer, StringComparison.Ordinal);
            Assert.Contains("/problems/malformed-request", answer, StringComparison.Ordinal);
        }

        Assert.Empty(One.Requests.Concat(Other.Requests));
        Assert.DoesNotContain(Gateway.Log.All, line => line.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("GET", "/ready")]
    [InlineData("GET", "/nowhere")]
    [InlineData("POST", "/reserve")]
    public async Task A_foreign_host_is_refused_with_a_problem(string method, string path)
    {
        using var request = Request(method, path);
        request.Headers.Host = "evil.example";
        using var response = await Client.SendAsync(request);

        await ProblemAssert.IsProblemAsync(response, 400, "malformed-request", path);
        Assert.Contains("Host", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Empty(One.Requests.Concat(Other.Requests));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("inv_unknown_0000000000000000000000000000", false)]
    [InlineData(DemoKeys.Backend, true)]
    public async Task Only_a_known_caller_chooses_the_trace(string? key, bool continues)
    {
        using var request = Request("GET", "/api/reservations/1");
        request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
        request.Headers.Add("tracestate", "a=b");
        request.Headers.Add("baggage", "c=d");
        if (key is not null) request.Headers.Add("X-Api-Key", key);
        using var response = await Client.SendAsync(request);

        var received = Assert.Single(One.Requests.Concat(Other.Requests)).Headers;
        Assert.Equal(continues, received["traceparent"].Contains(TraceId, StringComparison.Ordinal));
        Assert.Equal(continues, received.ContainsKey("tracestate"));
        Assert.Equal(continues, received.ContainsKey("baggage"));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/ready")]
    [InlineData("/alive")]
    public async Task A_probe_takes_GET_and_HEAD_alone(string path)
    {
        using var post = await Client.SendAsync(Request("POST", path));
        await ProblemAssert.IsProblemAsync(post, 405, "method-not-allowed", path);
        using var head = await Client.SendAsync(Request("HEAD", path));
        Assert.Equal(200, (int)head.StatusCode);
    }

    [Fact]
    public async Task Every_answer_forbids_content_sniffing()
    {
        foreach (var path in new[] { "/api/reservations/1", "/nowhere", "/health", "/api/session" })
        {
            using var response = await Client.GetAsync(path);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        }

        foreach (var refused in new[]
        {
            "POST /reserve HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            "nonsense\r\n",
        })
        {
            Assert.Contains("nosniff", await SendAsync(refused), StringComparison.Ordinal);
        }

        // None of these is an error of this service.
        Assert.DoesNotContain(Gateway.Log.All, line => line.Level >= LogLevel.Error);
    }

    private async Task<string> SendAsync(string request)
    {
        using var client = await RawClient.ConnectAsync(Gateway.Address.Port);
        var closing = request.Replace(
            "Host: localhost", "Host: localhost\r\nConnection: close", StringComparison.Ordinal);
        await client.SendAsync(Encoding.UTF8.GetBytes(closing + "\r\n"));
        return await client.RestAsync();
    }
}
