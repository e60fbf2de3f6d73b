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

        var (bytes, coding) = Coded(document, http.Request.GetTypedHeaders().AcceptEncoding);
        if (coding is not null) http.Response.Headers.ContentEncoding = coding;
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

    /// <summary>The document in the coding that the client prefers; without a preference, in Brotli.</summary>
    private static (byte[] Bytes, string? Coding) Coded(
        Made document, IList<StringWithQualityHeaderValue> accepted)
    {
        var (brotli, gzip) = (Quality(accepted, "br"), Quality(accepted, "gzip"));
        if (brotli > 0 && brotli >= gzip) return (document.Brotli, "br");
        return gzip > 0 ? (document.Gzip, "gzip") : (document.Plain, null);
    }

    /// <summary>How much a client wants a coding: from 0, not at all, to 1. A star stands for all others.</summary>
    private static double Quality(IList<StringWithQualityHeaderValue> accepted, string coding)
    {
        var named = accepted.FirstOrDefault(one => one.Value.Equals(coding, StringComparison.OrdinalIgnoreCase))
            ?? accepted.FirstOrDefault(one => one.Value == "*");
        return named is null ? 0 : named.Quality ?? 1;
    }

    private sealed record Made(EntityTagHeaderValue Tag, byte[] Plain, byte[] Brotli, byte[] Gzip);
}
