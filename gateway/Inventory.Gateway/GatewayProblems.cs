using Microsoft.AspNetCore.Diagnostics;

namespace Inventory.Gateway;

/// <summary>Gives every error of the gateway's own a body.</summary>
internal static class GatewayProblems
{
    /// <summary>
    /// Turns exceptions and bare status codes of everything below into <see cref="GatewayProblem"/>s. Absent: requests
    /// that Kestrel refuses before there is a request (a malformed request line, too many headers); those get its own
    /// bare 400, 414 or 431 and a closed connection.
    /// </summary>
    public static void UseGatewayProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = ForException });
        app.UseStatusCodePages(bare =>
            GatewayProblem.ForStatus(bare.HttpContext.Response.StatusCode).WriteAsync(bare.HttpContext));
    }

    private static Task ForException(HttpContext context)
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var problem = error is BadHttpRequestException bad
            ? GatewayProblem.ForStatus(bad.StatusCode)
            : GatewayProblem.InternalError;
        return problem.WriteAsync(context);
    }
}
