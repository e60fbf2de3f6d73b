using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Inventory.ReservationApi.Tests.Availability;

/// <summary>One listener of a stock stream, which reads as a browser does.</summary>
internal sealed class StockStream : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpResponseMessage response;
    private readonly StreamReader reader;

    private StockStream(HttpResponseMessage response, Stream body) =>
        (this.response, reader) = (response, new StreamReader(body, Encoding.UTF8));

    /// <summary>The headers of the answer.</summary>
    public HttpResponseMessage Response => response;

    /// <summary>The reconnection time that the server sent, in milliseconds; null before that.</summary>
    public int? Retry { get; private set; }

    /// <summary>Heartbeats so far.</summary>
    public int Heartbeats { get; private set; }

    /// <summary>Whether the server has announced that it stops.</summary>
    public bool HasFarewell { get; private set; }

    /// <summary>Events so far.</summary>
    public int Events { get; private set; }

    /// <summary>Opens a stream.</summary>
    public static async Task<StockStream> OpenAsync(HttpClient http, string sku, string? lastSeen = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/stock/{Uri.EscapeDataString(sku)}/stream");
        if (lastSeen is not null) request.Headers.Add("Last-Event-ID", lastSeen);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event; null when the server has ended the stream.</summary>
    public async Task<StockEventSeen?> NextAsync(Func<StockStream, bool>? until = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        string? type = null, id = null, data = null;
        while (await reader.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Length == 0 && data is not null)
            {
                Events++;
                return new(type!, id, JsonElement.Parse(data));
            }

            if (line == ":") Heartbeats++;
            else if (line == ": this instance stops, reconnect") HasFarewell = true;
            else if (Value(line, "retry: ") is { } retry) Retry = int.Parse(retry, CultureInfo.InvariantCulture);
            else if (Value(line, "event: ") is { } name) type = name;
            else if (Value(line, "id: ") is { } number) id = number;
            else if (Value(line, "data: ") is { } text) data = text;
            else Assert.Empty(line);
            if (until?.Invoke(this) == true) return null;
        }

        return null;
    }

    /// <summary>Reads until an event meets the condition.</summary>
    public async Task<StockEventSeen> UntilAsync(Func<StockEventSeen, bool> expected)
    {
        while (true)
        {
            var seen = await NextAsync();
            Assert.NotNull(seen);
            if (expected(seen)) return seen;
        }
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }

    private static string? Value(string line, string prefix) =>
        line.StartsWith(prefix, StringComparison.Ordinal) ? line[prefix.Length..] : null;
}

/// <summary>One event that a listener received.</summary>
internal sealed record StockEventSeen(string Type, string? Id, JsonElement Data)
{
    /// <summary>The available units; null for an event of another type.</summary>
    public int? Available => Data.TryGetProperty("available", out var units) ? units.GetInt32() : null;
}
