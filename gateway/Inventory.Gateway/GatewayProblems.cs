using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.HostFiltering;

namespace Inventory.Gateway;

/// <summary>Gives every error of the gateway a body.</summary>
internal static class GatewayProblems
{
    /// <summary>
    /// Gives a body to bare status codes. Comes before the middleware that the framework itself puts first, since one
    /// of these refuses foreign hosts (<c>AllowedHosts</c>).
    /// </summary>
    public static void AddGatewayProblems(this IHostApplicationBuilder builder)
    {
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, BareStatusCodes>());
        builder.Services.Configure<HostFilteringOptions>(hosts => hosts.IncludeFailureMessage = false);
    }

    /// <summary>
    /// Turns exceptions of all later middleware into <see cref="GatewayProblem"/>s, and also what
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

    private sealed class BareStatusCodes : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UseStatusCodePages(bare => Problem(bare.HttpContext.Response.StatusCode).WriteAsync(bare.HttpContext));
            next(app);
        };

        // All others that are refused with 400 have a body already.
        private static GatewayProblem Problem(int status) => status == StatusCodes.Status400BadRequest
            ? GatewayProblem.ForeignHost
            : GatewayProblem.ForStatus(status);
    }
}
