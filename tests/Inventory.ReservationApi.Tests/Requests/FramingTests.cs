using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Inventory.ReservationApi.Tests.Requests;

/// <summary>Requests that fail before their content is read; each is answered with a problem.</summary>
[Collection(ApiTests.Name)]
public sealed class FramingTests(Api api)
{
    private const string Missing = "/api/reservations/018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10";
    private const string Good = """{"sku":"sku","qty":1,"cart_id":"c"}""";

    [Theory]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/")]
    [InlineData("POST", "/checkout")]
    [InlineData("POST", "/api/reservations/018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10/pay")]
    [InlineData("GET", "/api/reservations/018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10/else")]
    [InlineData("GET", "/problems/no-such-problem")]
    [InlineData("GET", "/%01")]
    public async Task An_unknown_path_is_not_found(string method, string path) =>
        (await api.SendAsync(method, path)).AssertProblem(404, "not-found");

    [Theory]
    [InlineData("GET", "/reserve", "POST")]
    [InlineData("PUT", "/api/reservations", "POST")]
    [InlineData("PATCH", "/api/reservations/018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10", "DELETE, GET")]
    [InlineData("POST", "/api/stock/sku-1", "GET")]
    [InlineData("DELETE", "/events", "GET")]
    public async Task A_wrong_method_is_refused_with_the_allowed_ones(string method, string path, string allowed)
    {
        var answer = await api.SendAsync(method, path);
        answer.AssertProblem(405, "method-not-allowed");
        Assert.Equal(allowed, string.Join(", ", answer.Allow.Order()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    public async Task A_body_without_the_JSON_content_type_is_refused(string? contentType)
    {
        var answer = await api.SendAsync("POST", "/reserve", Encoding.UTF8.GetBytes(Good), contentType, null);
        answer.AssertProblem(415, "unsupported-media-type");
    }

    public static TheoryData<string, string> Bodiless => new()
    {
        { "DELETE", "/api/reservations/{id}" },
        { "DELETE", "/api/queue/{ticket}" },
        { "POST", "/api/products/{sku}/pause" },
        { "POST", "/api/products/{sku}/resume" },
        { "POST", "/api/operations/dead-letters/{id}/replay" },
        { "POST", "/api/operations/dead-letters/replay" },
        { "POST", "/api/operations/reconciliation/run" },
    };

    [Theory]
    [MemberData(nameof(Bodiless))]
    public async Task A_body_where_none_is_read_is_refused(string method, string path)
    {
        const string id = "018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10";
        path = path.Replace("dead-letters/{id}", "dead-letters/1", StringComparison.Ordinal)
            .Replace("{id}", id, StringComparison.Ordinal)
            .Replace("{ticket}", id, StringComparison.Ordinal)
            .Replace("{sku}", "sku-1", StringComparison.Ordinal)
            .Replace("/run", "/run?dryRun=true", StringComparison.Ordinal);
        Task<Answer> SendAsync(string? body) =>
            api.SendWithAsync(method, path, body, $"X-Api-Key: {Api.Key("all")}");

        var ignored = await SendAsync("""{"items":[{"sku":"sku-1","quantity":1}]}""");
        ignored.AssertProblem(400, "validation");
        Assert.Equal("body", ignored.Json.GetProperty("errors").EnumerateObject().Single().Name);
        foreach (var body in new[] { "nonsense", "[]", "null", "1" })
        {
            (await SendAsync(body)).AssertProblem(400, "validation");
        }

        (await SendAsync(new string(' ', 70_000))).AssertProblem(413, "payload-too-large");
        var bare = await SendAsync(null);
        Assert.NotEqual(400, bare.Status);
        // An empty body has a Content-Length of 0.
        Assert.All([await SendAsync(""), await SendAsync(" {} ")], answer => Assert.Equal(bare.Status, answer.Status));
    }

    [Fact]
    public async Task Every_call_without_a_body_is_tested_with_one()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        var bodiless =
            from path in document.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            where operation.Name != "get" && !operation.Value.TryGetProperty("requestBody", out _)
            select $"{operation.Name.ToUpperInvariant()} {path.Name}";

        Assert.Equal(
            Bodiless.Select(row => $"{row[0]} {row[1]}").Order(StringComparer.Ordinal),
            bodiless.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_release_with_lines_releases_nothing()
    {
        var sku = await api.NewSkuAsync(5);
        var id = await api.HoldAsync(sku, 3);

        var refused = await api.SendAsync(
            "DELETE", $"/api/reservations/{id}", $$"""{"items":[{"sku":"{{sku}}","quantity":1}]}""");

        refused.AssertProblem(400, "validation");
        var hold = await api.SendAsync("GET", $"/api/reservations/{id}");
        Assert.Equal("pending", hold.Json.GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("Application/JSON;charset=UTF-8")]
    public async Task JSON_may_declare_the_charset_utf8(string contentType)
    {
        var answer = await api.SendAsync("POST", "/reserve", Encoding.UTF8.GetBytes(Good), contentType, null);
        answer.AssertProblem(404, "unknown-sku");
    }

    [Fact]
    public async Task A_compressed_body_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/reserve") { Content = Json(Good) };
        request.Content.Headers.ContentEncoding.Add("gzip");
        (await api.SendAsync(request)).AssertProblem(415, "unsupported-media-type");
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_refused()
    {
        byte[] body = [.. "{\"sku\":\""u8, 0xff, 0xfe, .. "\",\"qty\":1,\"cart_id\":\"c\"}"u8];
        var answer = await api.SendAsync("POST", "/reserve", body, "application/json", null);
        answer.AssertProblem(400, "malformed-request");
    }

    [Fact]
    public async Task A_deeply_nested_body_is_refused()
    {
        var answer = await api.SendAsync("POST", "/api/reservations", new string('[', 20_000));
        answer.AssertProblem(400, "malformed-request");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_64_KiB_is_refused(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/reserve");
        request.Content = Json(Good + new string(' ', 65_537 - Good.Length));
        request.Headers.TransferEncodingChunked = chunked;
        (await api.SendAsync(request)).AssertProblem(413, "payload-too-large");
    }

    [Fact]
    public async Task A_body_of_64_KiB_is_accepted()
    {
        var answer = await api.SendAsync("POST", "/reserve", Good + new string(' ', 65_536 - Good.Length));
        answer.AssertProblem(404, "unknown-sku");
    }

    [Fact]
    public async Task A_request_without_a_body_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/reserve") { Content = Json("") };
        (await api.SendAsync(request)).AssertProblem(400, "malformed-request");
        (await api.SendAsync("POST", "/reserve")).AssertProblem(415, "unsupported-media-type");
    }

    [Theory]
    [InlineData("")]
    [InlineData("tab\there")]
    [InlineData("LONG")]
    public async Task An_idempotency_key_that_breaks_its_rule_is_refused(string key)
    {
        var sku = await api.NewSkuAsync(10);
        if (key == "LONG") key = new string('k', 256);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/reserve");
        request.Content = Json($$"""{"sku":"{{sku}}","qty":1,"cart_id":"c"}""");
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        var answer = await api.SendAsync(request);
        answer.AssertProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty("Idempotency-Key", out _));
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData("Idempotency-Key: a\r\nIdempotency-Key: b\r\n")]
    [InlineData("Idempotency-Key: sch\u00fcssel\r\n")]
    [InlineData("Idempotency-Key:\r\n")]
    public async Task A_key_header_in_an_unusual_form_is_refused(string header)
    {
        var answer = await SendRawAsync($"DELETE {Missing} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("/problems/validation", answer, StringComparison.Ordinal);
        Assert.Contains("Idempotency-Key", answer, StringComparison.Ordinal);
    }

    [Theory]
    // Sizes of chunks: no number, one of 36 bits, and one that is too large for a signed number of 32.
    [InlineData("nonsense\r\n")]
    [InlineData("fffffffff\r\n")]
    [InlineData("80000000\r\n")]
    [InlineData("3\r\nabcX\r\n")]
    // Trailers: a byte that is not UTF-8, NUL, and what is no header.
    [InlineData("0\r\nA: \u00ff\r\n\r\n")]
    [InlineData("0\r\nA: \0\r\n\r\n")]
    [InlineData("0\r\nA\r\n\r\n")]
    public async Task A_malformed_body_is_refused_and_ends_its_connection(string body)
    {
        foreach (var path in new[] { "/reserve", "/api/payments/webhook" })
        {
            var answer = await SendRawAsync(Encoding.Latin1.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                + $"Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n{body}"));
            Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
            Assert.Contains("/problems/malformed-request", answer, StringComparison.Ordinal);
        }

        // Other tests share this log, and cause errors of other parts.
        Assert.DoesNotContain(api.Log.All, line => line.Level >= LogLevel.Error
            && (line.Category.StartsWith("Microsoft.AspNetCore.Server", StringComparison.Ordinal)
                || line.Text.Contains("BadHttpRequestException", StringComparison.Ordinal)));
    }

    public static TheoryData<string, int, string> Unreadable => new()
    {
        { "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed-request" },
        { "nonsense\r\n\r\n", 400, "malformed-request" },
        { "GET / HTTP/1.1\r\n\r\n", 400, "malformed-request" },
        { "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "malformed-request" },
        { "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "malformed-request" },
        { $"GET /{new string('a', 9_000)} HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long" },
        { $"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('a', 40_000)}\r\n\r\n", 431, "headers-too-large" },
        // The malformed request is the second one on its connection.
        {
            $"GET {Missing} HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed-request"
        },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task A_malformed_request_is_answered_with_a_problem(string bytes, int status, string slug)
    {
        var answer = await SendRawAsync(bytes);
        answer = answer[answer.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal)..];
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        var parts = answer.Split("\r\n\r\n", 2);
        Assert.Contains($"\r\nContent-Length: {parts[1].Length}\r\n", parts[0] + "\r\n", StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/problem+json\r\n", parts[0] + "\r\n", StringComparison.Ordinal);
        var problem = JsonElement.Parse(parts[1]);
        Assert.Equal($"/problems/{slug}", problem.GetProperty("type").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task A_refused_body_is_read_to_its_end_after_the_answer()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Http.BaseAddress!.Port);
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        const string Head = "POST /reserve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n";
        // Chunks of 70,000 and 200,000 bytes.
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head + "11170\r\n" + new string(' ', 70_000) + "\r\n"));
        Assert.Equal("HTTP/1.1 413 Payload Too Large", await reader.ReadLineAsync());
        await stream.WriteAsync(Encoding.ASCII.GetBytes("30D40\r\n" + new string(' ', 200_000) + "\r\n0\r\n\r\n"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET {Missing} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        var rest = await reader.ReadToEndAsync();
        Assert.Contains("/problems/payload-too-large", rest, StringComparison.Ordinal);
        Assert.Contains("/problems/reservation-not-found", rest, StringComparison.Ordinal);
    }

    private Task<string> SendRawAsync(string request) => SendRawAsync(Encoding.UTF8.GetBytes(request));

    private async Task<string> SendRawAsync(byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Http.BaseAddress!.Port);
        using var stream = client.GetStream();
        await stream.WriteAsync(request);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
