using System.Buffers;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Gives a body to what Kestrel refuses before there is a request that middleware could see: a line that is no HTTP, a
/// path with %00, a line or headers beyond the limits.
/// </summary>
/// <remarks>
/// Kestrel tells a diagnostic listener of each such refusal before it answers. An answer that has begun by then it
/// leaves alone, and closes the connection behind it. Requests that are well formed never come here.
/// </remarks>
public static class ServerRefusals
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    /// <summary>Answers with problem details in place of a bare status.</summary>
    /// <param name="app">The application, not started yet.</param>
    /// <param name="describe">The problem details of a status, as JSON in UTF-8.</param>
    /// <returns>The same application.</returns>
    public static WebApplication UseServerRefusals(this WebApplication app, Func<int, byte[]> describe)
    {
        ArgumentNullException.ThrowIfNull(app);
        var events = app.Services.GetRequiredService<DiagnosticListener>();
        // It ends with the application, as the listener does. Nothing else is asked for: no event of an ordinary
        // request is made on our account.
        events.Subscribe(new Answering(describe), name => name == BadRequest);
        return app;
    }

    private static void Answer(IFeatureCollection connection, int status, byte[] body)
    {
        var response = connection.Get<IHttpResponseFeature>();
        var start = connection.Get<IHttpResponseBodyFeature>();
        var transport = connection.Get<IConnectionTransportFeature>()?.Transport;
        if (response is null || start is null || transport is null || response.HasStarted) return;
        response.StatusCode = status;
        response.Headers.ContentType = "application/problem+json";
        response.Headers.ContentLength = body.Length;
        response.Headers.Connection = "close";
        // There is no stream for a body yet, but the head goes out the usual way, and the body right behind it.
        if (!start.StartAsync().IsCompletedSuccessfully) return;
        if (!HttpMethods.IsHead(connection.Get<IHttpRequestFeature>()?.Method ?? "")) transport.Output.Write(body);
        // Not waited for: what a slow reader leaves behind, the end of the connection sends.
        _ = transport.Output.FlushAsync().AsTask();
    }

    private sealed class Answering(Func<int, byte[]> describe) : IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (value.Key != BadRequest || value.Value is not IFeatureCollection connection) return;
            if (connection.Get<IBadRequestExceptionFeature>()?.Error is not BadHttpRequestException refusal) return;
            Answer(connection, refusal.StatusCode, describe(refusal.StatusCode));
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
