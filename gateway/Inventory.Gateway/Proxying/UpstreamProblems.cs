using Inventory.ServiceDefaults;
using Microsoft.AspNetCore.Diagnostics;

namespace Inventory.Gateway.Proxying;

/// <summary>Answers when the last attempt has failed, with one problem per kind of failure.</summary>
internal sealed partial class UpstreamProblems(
    RequestDelegate next, TimeProvider time, ILogger<UpstreamProblems> log)
{
    /// <summary>A replica that dies under load loses all its pending answers at once; one line is enough.</summary>
    private readonly LogPace pace = new(time, TimeSpan.FromSeconds(1));
    private int unreported;

    public async Task InvokeAsync(HttpContext context)
    {
        // An error that the API answers without a body stays as it is.
        context.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;

        await next(context);

        // A replica may answer before it has read the whole body; the copy then fails and the answer stands.
        if (context.Response.HasStarted || context.Response.StatusCode < StatusCodes.Status400BadRequest) return;

        var problem = UpstreamOutcome.Of(context) switch
        {
            UpstreamFailure.Unreachable => GatewayProblem.UpstreamUnavailable,
            UpstreamFailure.Interrupted => GatewayProblem.UpstreamInterrupted,
            UpstreamFailure.TimedOut => GatewayProblem.UpstreamTimeout,
            UpstreamFailure.BadRequest when context.Response.StatusCode < StatusCodes.Status500InternalServerError =>
                GatewayProblem.ForStatus(context.Response.StatusCode),
            UpstreamFailure.BadRequest => GatewayProblem.MalformedRequest,
            _ => null,
        };
        if (problem is null) return;

        // An unreachable replica was logged when its health changed.
        if (problem.Kind.Status is StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout)
        {
            ReportLost(context, problem);
        }

        await problem.WriteAsync(context);
    }

    /// <summary>Writes at most one line a second; the next line counts the requests in between.</summary>
    private void ReportLost(HttpContext context, GatewayProblem problem)
    {
        Interlocked.Increment(ref unreported);
        if (!pace.TryTake()) return;
        var lost = Interlocked.Exchange(ref unreported, 0);
        AnswersLost(log, lost, context.Request.Method, context.Request.Path, problem.Kind.Slug);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Requests without an answer since the last line: {Lost}; the latest: {Method} {Path} {Problem}")]
    private static partial void AnswersLost(ILogger log, int lost, string method, PathString path, string problem);
}
