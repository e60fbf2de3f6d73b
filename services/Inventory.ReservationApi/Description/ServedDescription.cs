using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Inventory.ReservationApi.Description;

/// <summary>
/// The OpenAPI document as bytes, made once: making it takes a quarter of a second of processor time, and everyone may
/// read it.
/// </summary>
internal sealed class ServedDescription([FromKeyedServices(ServedDescription.Name)] IOpenApiDocumentProvider source)
{
    internal const string Name = "v1";
    internal const string Path = "/openapi/v1.json";

    private readonly Lock gate = new();
    private Task<Made>? made;

    /// <summary>Answers with the document, compressed for a client that takes that; 304 to one that has it.</summary>
    internal async Task ServeAsync(HttpContext http)
    {
        var document = await MakeOnce();
        var headers = http.Response.GetTypedHeaders();
        headers.ETag = document.Tag;
        headers.CacheControl = new() { Public = true, MaxAge = TimeSpan.FromMinutes(1) };
        http.Response.Headers.Vary = HeaderNames.AcceptEncoding;
        var known = http.Request.GetTypedHeaders().IfNoneMatch;
        if (known.Any(tag =>
            tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(document.Tag, useStrongComparison: false)))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var bytes = document.Plain;
        if (Takes(http.Request, "br")) (bytes, http.Response.Headers.ContentEncoding) = (document.Brotli, "br");
        else if (Takes(http.Request, "gzip")) (bytes, http.Response.Headers.ContentEncoding) = (document.Gzip, "gzip");
        http.Response.ContentType = "application/json;charset=utf-8";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    private Task<Made> MakeOnce()
    {
        lock (gate) return made is null or { IsFaulted: true } ? made = MakeAsync() : made;
    }

    private async Task<Made> MakeAsync()
    {
        var document = await source.GetOpenApiDocumentAsync();
        var plain = new MemoryStream();
        await document.SerializeAsJsonAsync(plain, OpenApiSpecVersion.OpenApi3_1);
        var bytes = plain.ToArray();
        var tag = Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
        return new(
            // Weak: the same document in another coding has other bytes.
            new($"\"{tag}\"", isWeak: true), bytes,
            Compress(bytes, to => new BrotliStream(to, CompressionLevel.SmallestSize)),
            Compress(bytes, to => new GZipStream(to, CompressionLevel.SmallestSize)));
    }

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> open)
    {
        var compressed = new MemoryStream();
        using (var coder = open(compressed)) coder.Write(bytes);
        return compressed.ToArray();
    }

    private static bool Takes(HttpRequest request, string coding) =>
        request.GetTypedHeaders().AcceptEncoding.Any(one => one.Value == coding && one.Quality is null or > 0);

    private sealed record Made(EntityTagHeaderValue Tag, byte[] Plain, byte[] Brotli, byte[] Gzip);
}
