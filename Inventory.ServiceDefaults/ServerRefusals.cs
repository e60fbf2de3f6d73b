using System.Buffers;
using System.Diagnostics;
using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Gives a body to what Kestrel refuses before middleware sees a request: a line that is not HTTP, a path with %00, a
/// line or headers beyond the limits.
/// </summary>
/// <remarks>
/// Kestrel notifies a diagnostic listener of each such refusal before it answers. It keeps an answer that has begun by
/// then, and closes the connection after it. Well-formed requests never come here.
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
        // The subscription ends with the application, as the listener does. Because of the filter, Kestrel creates no
        // events of ordinary requests.
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
        response.Headers.ContentType = MediaTypeNames.Application.ProblemJson;
        response.Headers.ContentLength = body.Length;
        response.Headers.Connection = "close";
        response.Headers.XContentTypeOptions = "nosniff";
        // There is no stream for a body yet: the head is sent the usual way, and the body is written behind it.
        if (!start.StartAsync().IsCompletedSuccessfully) return;
        if (!HttpMethods.IsHead(connection.Get<IHttpRequestFeature>()?.Method ?? "")) transport.Output.Write(body);
        // Not awaited: what a slow client has not received yet is sent when the connection closes.
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
