using Microsoft.AspNetCore.Diagnostics;

namespace Inventory.Gateway;

/// <summary>Gives every error of the gateway a body.</summary>
internal static class GatewayProblems
{
    /// <summary>
    /// Turns exceptions and bare status codes of all later middleware into <see cref="GatewayProblem"/>s, and also what
    /// Kestrel refuses before there is a request: a malformed request line, too many headers.
    /// </summary>
    public static void UseGatewayProblems(this WebApplication app)
    {
        app.UseServerRefusals(GatewayProblem.DescribeUnread);
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = ForException,
            // A body that is too large, too slow or broken is the caller's fault, and no error of this service.
            SuppressDiagnosticsCallback = failed => failed.Exception is BadHttpRequestException,
        });
        app.UseStatusCodePages(bare =>
            GatewayProblem.ForStatus(bare.HttpContext.Response.StatusCode).WriteAsync(bare.HttpContext));
    }

    private static Task ForException(HttpContext context)
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var problem = error is BadHttpRequestException bad
            ? GatewayProblem.ForStatus(bad.StatusCode)
            : GatewayProblem.InternalError;
        // The rest of a body that can't be read would be taken for the next request.
        if (error is BadHttpRequestException) context.Response.Headers.Connection = "close";
        return problem.WriteAsync(context);
    }
}
