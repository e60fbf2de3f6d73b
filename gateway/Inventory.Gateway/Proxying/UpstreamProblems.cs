using Microsoft.AspNetCore.Diagnostics;

namespace Inventory.Gateway.Proxying;

/// <summary>Answers for a replica that did not: one problem per kind of failure, after the last attempt.</summary>
internal sealed partial class UpstreamProblems(
    RequestDelegate next, TimeProvider time, ILogger<UpstreamProblems> log)
{
    /// <summary>A replica that dies under load loses every answer it owes at once, and one line says as much.</summary>
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(1);

    private long _lastLine;
    private int _unreported;

    public async Task InvokeAsync(HttpContext context)
    {
        // An error that the API answers without a body is its own, and stays as it is.
        context.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;

        await next(context);

        // A replica may answer before it has read the whole body; the copy then fails and the answer stands.
        if (context.Response.HasStarted || context.Response.StatusCode < StatusCodes.Status400BadRequest) return;

        var problem = UpstreamOutcome.Of(context) switch
        {
            UpstreamFailure.Unreachable => GatewayProblem.UpstreamUnavailable,
            UpstreamFailure.Interrupted => GatewayProblem.UpstreamInterrupted,
            UpstreamFailure.TimedOut => GatewayProblem.UpstreamTimeout,
            UpstreamFailure.BadBody => GatewayProblem.ForStatus(context.Response.StatusCode),
            _ => null,
        };
        if (problem is null) return;

        // Unreachable replicas have had their line when their health changed.
        if (problem.Status is StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout)
        {
            ReportLost(context, problem);
        }

        await problem.WriteAsync(context);
    }

    /// <summary>Writes at most one line a second; what it leaves out, the next line counts.</summary>
    private void ReportLost(HttpContext context, GatewayProblem problem)
    {
        Interlocked.Increment(ref _unreported);
        var now = time.GetTimestamp();
        var last = Volatile.Read(ref _lastLine);
        if (last != 0 && time.GetElapsedTime(last, now) < BetweenLines) return;
        if (Interlocked.CompareExchange(ref _lastLine, now, last) != last) return;

        var lost = Interlocked.Exchange(ref _unreported, 0);
        AnswersLost(log, lost, context.Request.Method, context.Request.Path, problem.Slug);
    }

    [LoggerMessage(1, LogLevel.Warning, "{Lost} sent and not answered since the last line: {Method} {Path} {Problem}")]
    private static partial void AnswersLost(ILogger log, int lost, string method, PathString path, string problem);
}
