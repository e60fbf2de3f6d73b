namespace Inventory.Gateway;

/// <summary>
/// Refuses requests that two programs could read in two ways, and that no client of this API sends: a method that is
/// known only in upper case, and a body that is coded in another way than in chunks. Tells browsers, in every answer,
/// not to guess what the answer is.
/// </summary>
internal sealed class RequestFraming(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (IsPlain(request.Headers) && IsCanonical(request.Method)) return next(context);

        // A method such as `head` is none that HTTP knows, so the answer needs a body, which is left out for HEAD.
        if (HttpMethods.IsHead(request.Method)) request.Method = "UNKNOWN";
        context.Response.Headers.Connection = "close";
        return GatewayProblem.MalformedRequest.WriteAsync(context);
    }

    private static bool IsPlain(IHeaderDictionary headers) => headers.TransferEncoding switch
    {
        [] => true,
        [var coding] => string.Equals(coding, "chunked", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    private static bool IsCanonical(string method)
    {
        foreach (var letter in method)
        {
            if (char.IsAsciiLetterLower(letter)) return false;
        }

        return true;
    }
}
