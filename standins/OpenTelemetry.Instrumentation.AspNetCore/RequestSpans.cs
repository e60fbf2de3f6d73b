using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>
/// ASP.NET Core starts and stops the span itself. What it tells nobody but a diagnostic listener is the request
/// behind it; this listener names the span after the route, and unrecords the requests that are filtered out.
/// </summary>
internal sealed class RequestSpans
    : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    public const string SourceName = "Microsoft.AspNetCore";

    private const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
    private const string Start = Request + ".Start";
    private const string Stop = Request + ".Stop";

    private readonly AspNetCoreTraceInstrumentationOptions options;
    private readonly IDisposable listeners;
    private readonly List<IDisposable> events = [];

    public RequestSpans(AspNetCoreTraceInstrumentationOptions options)
    {
        this.options = options;
        listeners = DiagnosticListener.AllListeners.Subscribe(this);
    }

    // Every host in the process has a listener of this name.
    void IObserver<DiagnosticListener>.OnNext(DiagnosticListener value)
    {
        if (value.Name == SourceName)
        {
            var subscription = value.Subscribe(this, name => name is Request or Start or Stop);
            lock (events)
            {
                events.Add(subscription);
            }
        }
    }

    void IObserver<KeyValuePair<string, object?>>.OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not HttpContext context
            || Activity.Current is not { OperationName: Request, IsAllDataRequested: true } activity)
        {
            return;
        }

        if (value.Key == Stop)
        {
            Finish(activity, context);
        }
        else if (value.Key == Start && options.Filter?.Invoke(context) == false)
        {
            activity.IsAllDataRequested = false;
            activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
        else if (value.Key == Start)
        {
            Describe(activity, context.Request);
        }
    }

    public void Dispose()
    {
        listeners.Dispose();
        lock (events)
        {
            events.ForEach(subscription => subscription.Dispose());
            events.Clear();
        }
    }

    void IObserver<DiagnosticListener>.OnCompleted() { }

    void IObserver<DiagnosticListener>.OnError(Exception error) { }

    void IObserver<KeyValuePair<string, object?>>.OnCompleted() { }

    void IObserver<KeyValuePair<string, object?>>.OnError(Exception error) { }

    // Absent: the query string, which may carry what must not be kept.
    private static void Describe(Activity activity, HttpRequest request)
    {
        activity.DisplayName = request.Method;
        activity.SetTag("http.request.method", request.Method);
        activity.SetTag("url.scheme", request.Scheme);
        activity.SetTag("url.path", request.PathBase.Add(request.Path).Value);
        activity.SetTag("server.address", request.Host.Host);
        if (request.Host.Port is { } port)
        {
            activity.SetTag("server.port", port);
        }
    }

    private static void Finish(Activity activity, HttpContext context)
    {
        var status = context.Response.StatusCode;
        activity.SetTag("http.response.status_code", status);
        if (context.GetEndpoint()?.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route is { Length: > 0 } route)
        {
            activity.DisplayName = $"{context.Request.Method} {route}";
            activity.SetTag("http.route", route);
        }

        // A refusal is the caller's business; only a failure of ours makes the span one.
        if (status >= StatusCodes.Status500InternalServerError)
        {
            activity.SetStatus(ActivityStatusCode.Error);
            activity.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture));
        }
    }
}
