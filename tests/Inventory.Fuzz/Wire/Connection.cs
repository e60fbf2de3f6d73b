using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Inventory.Fuzz.Wire;

/// <summary>
/// One kept-alive HTTP/1.1 connection that sends any bytes. A usual client would correct, or refuse to send, much of
/// what a stranger may send.
/// </summary>
/// <param name="front">The gateway; connects on first use, and again after a failure.</param>
/// <param name="patience">The longest wait for a complete answer.</param>
/// <param name="streamPatience">How long a stream is read that has no event.</param>
internal sealed class Connection(Uri front, TimeSpan patience, TimeSpan streamPatience) : IDisposable
{
    private byte[] buffer = new byte[16 * 1024];
    private Socket? socket;
    private int end;

    /// <summary>Sends a call, and reads its answer.</summary>
    public async Task<Answer> AskAsync(Call call, CancellationToken stop)
    {
        var bytes = call.ToBytes();
        var began = TimeProvider.System.GetTimestamp();
        TimeSpan Took() => TimeProvider.System.GetElapsedTime(began);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        waiting.CancelAfter(patience);
        while (true)
        {
            var isReused = socket is not null;
            try
            {
                end = 0;
                if (!isReused) await ConnectAsync(waiting.Token);
                var answer = await ExchangeAsync(bytes, call, waiting.Token);
                return answer with { Took = Took() };
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                Dispose();
                return new() { Failure = $"not complete after {patience.TotalSeconds:0} s", Took = Took() };
            }
            catch (Exception e) when (e is SocketException or IOException or FormatException)
            {
                Dispose();
                // The server may close a kept-alive connection at any time between two requests.
                if (isReused && end == 0) continue;
                return new() { Failure = e.Message, Took = Took() };
            }
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        socket?.Dispose();
        socket = null;
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        var opening = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await opening.ConnectAsync(new DnsEndPoint(front.Host, front.Port), stop);
            socket = opening;
        }
        catch
        {
            opening.Dispose();
            throw;
        }
    }

    private async Task<Answer> ExchangeAsync(byte[] bytes, Call call, CancellationToken stop)
    {
        // Not awaited before the answer: a server that refuses a long body need not read all of it.
        var sending = SendAsync(socket!, bytes, stop);
        try
        {
            var answer = await ReadAsync(call, stop);
            if (call.IsHttp && answer.Failure is null && sending.IsCompletedSuccessfully && !EndsHere(answer))
            {
                return answer;
            }

            Dispose();
            return answer;
        }
        finally
        {
            if (!sending.IsCompleted) Dispose();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool EndsHere(Answer answer) => answer.MediaType == "text/event-stream"
        || string.Equals(answer.Header("Connection"), "close", StringComparison.OrdinalIgnoreCase);

    private static async Task SendAsync(Socket socket, byte[] bytes, CancellationToken stop)
    {
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += await socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None, stop);
        }
    }

    private async Task<Answer> ReadAsync(Call call, CancellationToken stop)
    {
        var (answer, body) = await ReadHeadAsync(stop);
        if (call.Method == "HEAD" || answer.Status is 204 or 304) return Whole(answer, body, 0);
        if (answer.MediaType == "text/event-stream") return await ReadStreamAsync(answer, body, stop);
        if (answer.Header("Transfer-Encoding") is not null)
        {
            while (true)
            {
                var (bytes, length) = Dechunk(buffer.AsSpan(body, end - body));
                if (length > 0) return Whole(answer with { Body = bytes }, body, length);
                await FillAsync(stop);
            }
        }

        if (answer.Header("Content-Length") is { } text)
        {
            var length = int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
            while (end < body + length) await FillAsync(stop);
            return Whole(answer with { Body = buffer[body..(body + length)] }, body, length);
        }

        while (await TryFillAsync(stop))
        {
        }

        Dispose();
        return answer with { Body = buffer[body..end] };
    }

    /// <summary>Reads a status line and headers; skips interim answers.</summary>
    private async Task<(Answer Answer, int Body)> ReadHeadAsync(CancellationToken stop)
    {
        while (true)
        {
            int head;
            while ((head = buffer.AsSpan(0, end).IndexOf("\r\n\r\n"u8)) < 0) await FillAsync(stop);
            var lines = Encoding.Latin1.GetString(buffer, 0, head).Split("\r\n");
            if (!lines[0].StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || lines[0].Length < 12)
            {
                throw new FormatException($"not HTTP: {lines[0]}");
            }

            var status = int.Parse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
            if (status >= 200)
            {
                return (new() { Status = status, Headers = [.. lines.Skip(1).Select(Line)] }, head + 4);
            }

            buffer.AsSpan(head + 4, end - head - 4).CopyTo(buffer);
            end -= head + 4;
        }
    }

    private static HeaderLine Line(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new("", text) : new(text[..colon], text[(colon + 1)..].Trim());
    }

    private Answer Whole(Answer answer, int body, int length) => end == body + length
        ? answer
        : answer with { Failure = $"{end - body - length} bytes follow the answer" };

    /// <summary>Reads until the first event, or for a while; the end of a stream is an answer, too.</summary>
    private async Task<Answer> ReadStreamAsync(Answer answer, int body, CancellationToken stop)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        waiting.CancelAfter(streamPatience);
        var bytes = Dechunk(buffer.AsSpan(body, end - body)).Bytes;
        try
        {
            while (!HasEvent(bytes) && await TryFillAsync(waiting.Token))
            {
                (bytes, var length) = Dechunk(buffer.AsSpan(body, end - body));
                if (length > 0) break;
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Nothing has happened that the stream would tell.
        }

        return answer with { Body = bytes };
    }

    private static bool HasEvent(ReadOnlySpan<byte> stream)
    {
        var data = stream.IndexOf("data:"u8);
        return data >= 0 && stream[data..].IndexOf("\n\n"u8) >= 0;
    }

    /// <summary>The content of the chunks so far, and the length of all, or 0 when the last one is missing.</summary>
    private static (byte[] Bytes, int Length) Dechunk(ReadOnlySpan<byte> coded)
    {
        var bytes = new List<byte>(coded.Length);
        var at = 0;
        while (true)
        {
            var line = coded[at..].IndexOf("\r\n"u8);
            if (line < 0) return ([.. bytes], 0);
            var length = int.Parse(
                Encoding.ASCII.GetString(coded.Slice(at, line)), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var begin = at + line + 2;
            if (coded.Length < begin + length + 2) return ([.. bytes], 0);
            bytes.AddRange(coded.Slice(begin, length));
            at = begin + length + 2;
            if (length == 0) return ([.. bytes], at);
        }
    }

    private async Task FillAsync(CancellationToken stop)
    {
        if (!await TryFillAsync(stop)) throw new IOException("the connection ended within the answer");
    }

    private async Task<bool> TryFillAsync(CancellationToken stop)
    {
        if (end == buffer.Length) Array.Resize(ref buffer, 2 * end);
        var read = await socket!.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, stop);
        end += read;
        return read > 0;
    }
}
