using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Asks a server whether it serves: PING over a connection of its own, without a client library.</summary>
internal static class RedisPing
{
    // A server that takes longer is loading its data, or busy with a script that nothing should wait behind.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Pings.</summary>
    public static async Task<HealthCheckResult> CheckAsync(RedisResource redis, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(redis.PrimaryEndpoint.Host, redis.PrimaryEndpoint.Port, limit.Token)
                .ConfigureAwait(false);
            await using var stream = client.GetStream();
            if (redis.PasswordParameter is { } parameter)
            {
                var password = await parameter.GetValueAsync(limit.Token).ConfigureAwait(false);
                var admission = await AskAsync(stream, ["AUTH", password!], limit.Token).ConfigureAwait(false);
                if (admission != "+OK")
                {
                    return HealthCheckResult.Unhealthy(admission);
                }
            }

            var answer = await AskAsync(stream, ["PING"], limit.Token).ConfigureAwait(false);
            return answer == "+PONG" ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(answer);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"No answer to PING in {Patience.TotalSeconds:0} s.");
        }
    }

    private static async Task<string> AskAsync(Stream stream, string[] words, CancellationToken cancellationToken)
    {
        var command = string.Concat(words.Select(w => $"${Encoding.UTF8.GetByteCount(w)}\r\n{w}\r\n"));
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"*{words.Length}\r\n{command}"), cancellationToken)
            .ConfigureAwait(false);
        // Both answers are one short line, and nothing is sent before it was read.
        var buffer = new byte[512];
        var length = 0;
        while (length < buffer.Length && !buffer.AsSpan(0, length).EndsWith("\r\n"u8))
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                throw new IOException("Redis closed the connection.");
            }

            length += read;
        }

        return Encoding.UTF8.GetString(buffer, 0, length).TrimEnd();
    }
}
