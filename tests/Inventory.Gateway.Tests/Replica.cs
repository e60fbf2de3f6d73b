using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Inventory.Gateway.Tests;

/// <summary>One request as a replica received it.</summary>
public sealed record Received(
    string Method, string Path, string Target, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>The number of next requests, over all replicas, that are executed and then lose their connection.</summary>
public sealed class BrokenConnections
{
    private int left;

    public void BreakNext(int count) => Volatile.Write(ref left, count);

    public bool Take() => Interlocked.Decrement(ref left) >= 0;
}

/// <summary>
/// A Kestrel server on loopback that plays one replica of the reservation API. It can be killed, restarted at the same
/// address, hang, and cut a request's connection after executing it.
/// </summary>
public sealed class Replica : IAsyncDisposable
{
    private readonly ConcurrentQueue<Received> received = [];
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly BrokenConnections broken;
    private WebApplication? server;
    private volatile bool hanging;

    private Replica(string name, BrokenConnections broken) => (Name, this.broken) = (name, broken);

    public string Name { get; }

    public int Port { get; private set; }

    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>All requests but health probes, in order of arrival.</summary>
    public IReadOnlyList<Received> Requests => [.. received];

    /// <summary>Starts a replica on a free port.</summary>
    /// <param name="name">Its default answer.</param>
    /// <param name="broken">Decides which of its requests lose their connection.</param>
    public static async Task<Replica> StartAsync(string name, BrokenConnections broken)
    {
        var replica = new Replica(name, broken);
        await replica.StartAsync();
        return replica;
    }

    /// <summary>Starts the replica, or restarts it at the same address.</summary>
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, Port));
        this.server = builder.Build();
        this.server.Run(AnswerAsync);
        await this.server.StartAsync();
        Port = new Uri(this.server.Urls.Single()).Port;
    }

    /// <summary>Kills the replica: open connections are cut and new ones refused.</summary>
    public async Task KillAsync()
    {
        if (this.server is not { } server) return;
        this.server = null;
        await server.StopAsync(new CancellationToken(canceled: true));
        await server.DisposeAsync();
    }

    /// <summary>Accepts connections from now on but answers nothing, not even probes.</summary>
    public void Hang() => hanging = true;

    /// <summary>Lets a stream that has sent its first event send the second.</summary>
    public void ReleaseStream() => released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        released.TrySetResult();
        await KillAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (hanging) await Task.Delay(Timeout.Infinite, context.RequestAborted);
        if (context.Request.Path == "/ready") return;

        using var reader = new StreamReader(context.Request.Body);
        received.Enqueue(new Received(
            context.Request.Method,
            context.Request.Path + context.Request.QueryString,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync(context.RequestAborted)));

        if (this.broken.Take())
        {
            context.Abort();
            return;
        }

        context.Response.Headers["X-Replica"] = Name;
        await RespondAsync(context);
    }

    private async Task RespondAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (query["taken"] is [{ } taken]) context.Response.Headers["X-Inventory-Units-Taken"] = taken;
        switch (context.Request.Path.Value)
        {
            case "/api/slow" or "/api/operations/slow":
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                break;
            case "/api/stock/shoe/stream":
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: first\n\n");
                await context.Response.Body.FlushAsync();
                await released.Task.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync("data: second\n\n");
                break;
            case "/api/created":
                context.Response.StatusCode = StatusCodes.Status201Created;
                context.Response.Headers.Location = query["location"].ToString()
                    .Replace("{self}", $"http://{context.Request.Host}", StringComparison.Ordinal);
                context.Response.Headers.ETag = "\"7\"";
                context.Response.Headers["Idempotent-Replayed"] = "true";
                break;
            case "/api/status":
                context.Response.StatusCode = int.Parse(query["code"].ToString(), CultureInfo.InvariantCulture);
                break;
            default:
                await context.Response.WriteAsync(Name);
                break;
        }
    }
}
