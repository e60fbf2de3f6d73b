using System.Text;

namespace Inventory.Load.Http;

/// <summary>Requests as bytes on the wire.</summary>
internal static class HttpRequestText
{
    /// <summary>A request with or without a JSON body.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="json">The body; empty for none.</param>
    /// <param name="key">An API key; null for a caller without one.</param>
    public static byte[] Of(string method, string path, string json = "", string? key = null)
    {
        var text = new StringBuilder($"{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if (key is not null) text.Append($"X-Api-Key: {key}\r\n");
        if (json.Length > 0) text.Append("Content-Type: application/json\r\n");
        if (json.Length > 0 || method == "POST") text.Append($"Content-Length: {Encoding.UTF8.GetByteCount(json)}\r\n");
        return Encoding.UTF8.GetBytes(text.Append("\r\n").Append(json).ToString());
    }
}
