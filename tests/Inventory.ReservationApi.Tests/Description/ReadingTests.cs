using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;

namespace Inventory.ReservationApi.Tests.Description;

/// <summary>Reads that need no key, in every form that HTTP allows.</summary>
[Collection(ApiTests.Name)]
public sealed class ReadingTests(Api api)
{
    [Theory]
    [InlineData("/docs", 200)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/problems", 200)]
    [InlineData("/problems/unknown-sku", 200)]
    [InlineData("/events", 200)]
    [InlineData("/health", 200)]
    [InlineData("/api/stock/nothing", 404)]
    [InlineData("/nowhere", 404)]
    [InlineData("/reserve", 405)]
    public async Task HEAD_is_answered_as_GET_without_the_body(string path, int status)
    {
        using var get = await api.Http.GetAsync(path);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await api.Http.SendAsync(request);

        Assert.Equal((status, status), ((int)get.StatusCode, (int)head.StatusCode));
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/api/stock/shoe/stream")]
    [InlineData("/api/queue/018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10/events")]
    public async Task A_stream_has_no_head(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await api.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, head.StatusCode);
        Assert.Equal("GET", Assert.Single(head.Content.Headers.Allow));
    }

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("BR", "br")]
    [InlineData("GZip", "gzip")]
    [InlineData("gzip, br;q=0", "gzip")]
    [InlineData("gzip;q=1.0, br;q=0.5", "gzip")]
    [InlineData("*", "br")]
    [InlineData("*, br;q=0", "gzip")]
    [InlineData("identity", "none")]
    [InlineData("gzip;q=0, br;q=0", "none")]
    [InlineData("br;q=0, *;q=0", "none")]
    public async Task The_description_is_compressed_as_the_client_prefers(string accepted, string coding)
    {
        var plain = await api.Http.GetByteArrayAsync("/openapi/v1.json");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        request.Headers.Add("Accept-Encoding", accepted);
        using var response = await api.Http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();

        var used = Assert.Single(response.Content.Headers.ContentEncoding.DefaultIfEmpty("none"));
        Assert.Equal(coding, used);
        Assert.Equal("Accept-Encoding", Assert.Single(response.Headers.Vary));
        if (used == "none")
        {
            Assert.Equal(plain, bytes);
            return;
        }

        Assert.True(bytes.Length < plain.Length / 8, $"{bytes.Length} of {plain.Length} bytes");
        await using Stream open = used == "br"
            ? new BrotliStream(new MemoryStream(bytes), CompressionMode.Decompress)
            : new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        var read = new MemoryStream();
        await open.CopyToAsync(read);
        Assert.Equal(plain, read.ToArray());
    }

    [Fact]
    public async Task An_unchanged_description_is_answered_with_304()
    {
        using var first = await api.Http.GetAsync("/openapi/v1.json");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        request.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(first.Headers.ETag!.Tag, isWeak: true));
        using var again = await api.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Empty(await again.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/openapi/v2.json")]
    [InlineData("/openapi/v1.yaml")]
    public async Task Another_description_is_not_found(string path) =>
        (await api.SendAsync("GET", path)).AssertProblem(404, "not-found");

    [Theory]
    [InlineData("/docs")]
    [InlineData("/problems")]
    [InlineData("/problems/unknown-sku")]
    public async Task A_page_may_not_be_shown_in_another(string path)
    {
        using var page = await api.Http.GetAsync(path);

        Assert.Contains(
            "frame-ancestors 'none'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")),
            StringComparison.Ordinal);
    }
}
