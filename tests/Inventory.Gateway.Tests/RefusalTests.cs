using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Inventory.Gateway.Tests;

/// <summary>Requests that the gateway itself refuses, always with a problem body.</summary>
public sealed class RefusalTests : TwoReplicas
{
    protected override (string Key, string Value)[] Settings => [("Gateway:Limits:RequestTimeout", "00:00:00.500")];

    [Theory]
    [InlineData("/nothing")]
    [InlineData("/internal/reservations")]
    [InlineData("/snapshot")]
    [InlineData("/snapshot/shoe/more")]
    [InlineData("/reserve/more")]
    [InlineData("/metrics")]
    [InlineData("/swagger")]
    public async Task A_path_that_is_not_listed_is_not_found(string path)
    {
        using var response = await Client.GetAsync(path);

        await ProblemAssert.IsProblemAsync(response, 404, "not-found", path);
        Assert.Empty(One.Requests.Concat(Other.Requests));
    }

    [Theory]
    [InlineData("GET", "/api/reservations/1")]
    [InlineData("PUT", "/api/products/shoe")]
    [InlineData("POST", "/reserve")]
    [InlineData("POST", "/extend")]
    [InlineData("POST", "/commit")]
    [InlineData("POST", "/release")]
    [InlineData("GET", "/snapshot/shoe")]
    [InlineData("GET", "/events?limit=3")]
    [InlineData("GET", "/openapi/v1.json")]
    [InlineData("GET", "/docs")]
    [InlineData("GET", "/docs/index.html")]
    [InlineData("GET", "/problems/insufficient-stock")]
    public async Task A_path_that_is_listed_arrives_as_it_was_sent(string method, string path)
    {
        using var response = await Client.SendAsync(Request(method, path));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var received = Assert.Single(One.Requests.Concat(Other.Requests));
        Assert.Equal((method, path), (received.Method, received.Path));
    }

    [Theory]
    [InlineData("GET", "/reserve", "POST")]
    [InlineData("POST", "/snapshot/shoe", "GET, HEAD")]
    [InlineData("DELETE", "/events", "GET, HEAD")]
    [InlineData("TRACE", "/api/reservations", "DELETE, GET, HEAD, PATCH, POST, PUT")]
    [InlineData("POST", "/", "GET")]
    public async Task A_method_that_a_path_does_not_allow_is_refused_with_the_allowed_ones(
        string method, string path, string allowed)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await Client.SendAsync(request);

        await ProblemAssert.IsProblemAsync(response, 405, "method-not-allowed", path);
        Assert.Equal(allowed, string.Join(", ", response.Content.Headers.Allow.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task The_root_redirects_to_the_documentation()
    {
        using var response = await Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Equal("/docs", response.Headers.Location?.OriginalString);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/ready")]
    [InlineData("/alive")]
    [InlineData("/api/../health")]
    [InlineData("/api/%2e%2e/health")]
    public async Task The_gateway_answers_health_itself_for_every_spelling_of_the_path(string target)
    {
        var answer = await SendRawAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Replica", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(One.Requests.Concat(Other.Requests));
    }

    [Theory]
    //          bytes   chunked  key     ->  status; the framing of chunks counts, so a few hundred bytes fewer fit
    [InlineData(65_536, false, null, 200)]
    [InlineData(65_000, true, null, 200)]
    [InlineData(65_536, false, "key-1", 200)]
    [InlineData(65_000, true, "key-1", 200)]
    [InlineData(65_537, false, null, 413)]
    [InlineData(65_537, true, null, 413)]
    [InlineData(65_537, false, "key-1", 413)]
    [InlineData(65_537, true, "key-1", 413)]
    public async Task A_body_may_have_64_KiB(int bytes, bool chunked, string? key, int status)
    {
        using var request = Request("POST", "/api/reservations/batch", key);
        request.Content = new ByteArrayContent(Encoding.ASCII.GetBytes(new string('x', bytes)));
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await Client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 413)
        {
            await ProblemAssert.IsProblemAsync(response, 413, "payload-too-large", "/api/reservations/batch");
            Assert.Empty(One.Requests.Concat(Other.Requests));
        }
        else
        {
            Assert.Equal(bytes, Assert.Single(One.Requests.Concat(Other.Requests)).Body.Length);
        }
    }

    [Theory]
    [InlineData("GET", null)]
    [InlineData("POST", null)]
    [InlineData("POST", "key-1")]
    public async Task A_request_that_times_out_is_not_repeated(string method, string? key)
    {
        using var response = await Client.SendAsync(Request(method, "/api/slow", key));

        await ProblemAssert.IsProblemAsync(response, 504, "upstream-timeout", "/api/slow");
        Assert.Single(One.Requests.Concat(Other.Requests));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(503)]
    public async Task An_answer_of_the_API_is_not_replaced_even_without_a_body(int status)
    {
        using var response = await Client.GetAsync($"/api/status?code={status}");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Single(One.Requests.Concat(Other.Requests));
    }

    [Theory]
    [InlineData("GET /api/reservations HTTP/1.1\r\nHost: localhost\r\nX-Long: {20000}\r\n\r\n", "431")]
    [InlineData("GET /api/reservations?{5000} HTTP/1.1\r\nHost: localhost\r\n\r\n", "414")]
    [InlineData("GET /api/reservations HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400")]
    [InlineData("POST /api/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400")]
    [InlineData("nonsense\r\n\r\n", "400")]
    public async Task A_malformed_request_never_reaches_a_replica(string text, string status)
    {
        text = text.Replace("{20000}", new string('x', 20_000), StringComparison.Ordinal)
            .Replace("{5000}", new string('x', 5_000), StringComparison.Ordinal);

        var answer = await SendRawAsync(text);
        Assert.StartsWith($"HTTP/1.1 {status}", answer, StringComparison.Ordinal);
        var problem = JsonElement.Parse(answer.Split("\r\n\r\n", 2)[1]);
        Assert.Equal(status, problem.GetProperty("status").GetRawText());
        Assert.StartsWith("/problems/", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Empty(One.Requests.Concat(Other.Requests));
    }

    private async Task<string> SendRawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Gateway.Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10));
    }
}
