using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Wire;

namespace Inventory.Fuzz.Making;

/// <summary>A call while it is made: mutations change it.</summary>
internal sealed class Draft
{
    /// <summary>The operation that it is meant for; null for paths beside the document.</summary>
    public Operation? Meant { get; init; }

    public required string Method { get; set; }

    public required string Path { get; set; }

    /// <summary>The query without its question mark, coded.</summary>
    public string Query { get; set; } = "";

    public string Version { get; set; } = "HTTP/1.1";

    public List<HeaderLine> Headers { get; } = [];

    public byte[] Body { get; set; } = [];

    public bool HasBody { get; set; }

    /// <summary>Whether the body is sent in a chunk, in place of a length.</summary>
    public bool IsChunked { get; set; }

    public bool IsHttp { get; set; } = true;

    /// <summary>How a webhook is signed when all else is done; null for other calls.</summary>
    public Func<Draft, IEnumerable<HeaderLine>>? Sign { get; set; }

    /// <summary>Replaces a header.</summary>
    public void Set(string name, string value)
    {
        Headers.RemoveAll(line => line.Name == name);
        Headers.Add(new(name, value));
    }

    /// <summary>The finished call.</summary>
    public Call ToCall()
    {
        if (Sign is not null) Headers.AddRange(Sign(this));
        if (HasBody && !Headers.Any(line => line.Name is "Content-Length" or "Transfer-Encoding")) Frame();
        return new()
        {
            Method = Method,
            Target = Query.Length == 0 ? Path : $"{Path}?{Query}",
            Version = Version,
            Headers = [.. Headers],
            Body = Body,
            Meant = Meant,
            IsHttp = IsHttp,
        };
    }

    private void Frame()
    {
        if (!IsChunked || Version != "HTTP/1.1")
        {
            Set("Content-Length", Body.Length.ToString(CultureInfo.InvariantCulture));
            return;
        }

        Set("Transfer-Encoding", "chunked");
        var size = Body.Length.ToString("x", CultureInfo.InvariantCulture);
        Body = Body.Length == 0
            ? [.. "0\r\n\r\n"u8]
            : [.. Encoding.ASCII.GetBytes($"{size}\r\n"), .. Body, .. "\r\n0\r\n\r\n"u8];
    }

    /// <summary>The headers of a webhook, as Standard Webhooks describe.</summary>
    /// <param name="key">The key of the secret.</param>
    /// <param name="id">The event.</param>
    /// <param name="timestamp">The time of the attempt, in seconds since 1970.</param>
    public IEnumerable<HeaderLine> SignedWith(byte[] key, string id, string timestamp)
    {
        byte[] signed = [.. Encoding.Latin1.GetBytes($"{id}.{timestamp}."), .. Body];
        var signature = HMACSHA256.HashData(key, signed);
        return
        [
            new("webhook-id", id), new("webhook-timestamp", timestamp),
            new("webhook-signature", "v1," + Convert.ToBase64String(signature)),
        ];
    }
}
