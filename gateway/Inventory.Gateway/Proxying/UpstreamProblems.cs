using Microsoft.AspNetCore.Diagnostics;

namespace Inventory.Gateway.Proxying;

/// <summary>Answers for a replica that did not: one problem per kind of failure, after the last attempt.</summary>
internal sealed partial class UpstreamProblems(RequestDelegate next, ILogger<UpstreamProblems> log)
{
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

        // Unreachable replicas have had their line when they left the rotation.
        if (problem.Status is StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout)
        {
            AnswerLost(log, context.Request.Method, context.Request.Path, problem.Status);
        }

        await problem.WriteAsync(context);
    }

    [LoggerMessage(LogLevel.Warning, "{Method} {Path} was sent and got no answer: {Status}.")]
    private static partial void AnswerLost(ILogger log, string method, PathString path, int status);
}
