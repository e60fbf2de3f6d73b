using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;

namespace Inventory.Gateway;

/// <summary>
/// A problem that the gateway itself reports: RFC 9457 problem details whose <c>type</c> never changes. The API's
/// answers are passed on unchanged.
/// </summary>
/// <param name="Slug">Last segment of <c>/problems/{slug}</c>, where the API documents the problem.</param>
/// <param name="Status">HTTP status code.</param>
/// <param name="Title">The kind of problem; the same for every occurrence, and the one that the API documents.</param>
/// <param name="Detail">What a person can do about it.</param>
internal sealed record GatewayProblem(string Slug, int Status, string Title, string Detail)
{
    /// <summary>One interval of the health probes: by then a replica that is back takes requests again.</summary>
    private const int RetryAfterSeconds = 1;

    public static readonly GatewayProblem MalformedRequest = new("malformed-request", 400,
        "The request can't be read", "It could not be read as HTTP. Check its framing, headers and body length.");

    public static readonly GatewayProblem NotFound = new("not-found", 404,
        "Nothing is at this address", "No public resource has this path. The API is described at /docs.");

    public static readonly GatewayProblem MethodNotAllowed = new("method-not-allowed", 405,
        "Method not allowed", "The path exists but takes other methods. The Allow header names those it takes.");

    public static readonly GatewayProblem RequestTooSlow = new("request-timeout", 408,
        "The request came too slowly", "The body did not arrive in time. Nothing was done; send it again.");

    public static readonly GatewayProblem PayloadTooLarge = new("payload-too-large", 413,
        "The body is too large", "Split the request: a batch may be sent as several smaller ones.");

    /// <summary>Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyRequests = new("too-many-requests", 429,
        "Too many requests", "The budget of requests is used up. Repeat the request after the time given in "
        + "Retry-After; RateLimit-Policy lists the budgets.");

    /// <summary>One caller has too many streams open. Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyStreams = TooManyRequests with
    {
        Detail = "You have as many streams open as one caller may. Close one; GET /api/stock/{sku} still answers.",
    };

    /// <summary>A shopper's attempt comes too soon after the last. Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem AttemptTooEarly = TooManyRequests with
    {
        Detail = "Stock is being taken very fast, so each shopper may try once every few seconds. Repeat the request "
            + "after the time given in Retry-After; its solution is still valid.",
    };

    /// <summary>Comes with a challenge, and says why the request's proof was not accepted.</summary>
    public static readonly GatewayProblem ProofOfWorkRequired = new("proof-of-work-required", 403,
        "A proof of work is needed", "Solve `challenge`, and send the request again with the solution.");

    public static readonly GatewayProblem UriTooLong = new("uri-too-long", 414,
        "The path or query is too long", "Send a shorter query; no path of this API comes near the limit.");

    public static readonly GatewayProblem HeadersTooLarge = new("headers-too-large", 431,
        "The headers are too large", "Send fewer or shorter headers; accumulated cookies are a common cause.");

    public static readonly GatewayProblem InternalError = new("internal-error", 500,
        "Internal error", "The gateway could not handle the request. Quote the traceId when reporting it.");

    public static readonly GatewayProblem UpstreamInterrupted = new("upstream-interrupted", 502,
        "The answer was lost", "The connection broke after the request was sent, so it may have been carried out. "
        + "Repeat it with an Idempotency-Key, or read the resource before repeating it.");

    public static readonly GatewayProblem UpstreamUnavailable = new("upstream-unavailable", 503,
        "The service is unavailable", "Nothing was done. Repeat the request after the time given in Retry-After.");

    /// <summary>Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyListeners = new("too-many-listeners", 503,
        "Too many live streams", "This gateway has as many streams open as it allows. GET /api/stock/{sku} still answers.");

    public static readonly GatewayProblem TemporaryReducedCapacity = new("temporary-reduced-capacity", 503,
        "The service is overloaded", "Nothing was done. Try again after the time in Retry-After.");

    public static readonly GatewayProblem SessionsUnavailable = new("sessions-unavailable", 503,
        "No session can begin or end now", "The session store is unavailable. Existing sessions stay valid. "
        + "Repeat the request after the time given in Retry-After.");

    public static readonly GatewayProblem UpstreamTimeout = new("upstream-timeout", 504,
        "The service behind the gateway is slow", "The request may still be carried out. "
        + "Repeat it with the same Idempotency-Key, or read the resource before repeating it.");

    /// <summary>The problem for a status that was set without a body, by routing or by Kestrel.</summary>
    public static GatewayProblem ForStatus(int status) => status switch
    {
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => RequestTooSlow,
        413 => PayloadTooLarge,
        414 => UriTooLong,
        431 => HeadersTooLarge,
        >= 400 and < 500 => MalformedRequest with { Status = status },
        _ => InternalError,
    };

    /// <summary>The problem details, as JSON, of what the server refuses before there is a request.</summary>
    public static byte[] DescribeUnread(int status)
    {
        // The only such refusal above 499 is that of an unsupported version of HTTP.
        var problem = status < 500 ? ForStatus(status) : MalformedRequest with { Status = status };
        return problem.ToJson();
    }

    /// <summary>The problem details without path and trace, so the same for every occurrence.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new ProblemDetails
        {
            Type = $"/problems/{Slug}",
            Title = Title,
            Status = Status,
            Detail = Detail,
        },
        JsonSerializerOptions.Web);

    /// <summary>
    /// Writes the problem, whatever the caller accepts: a client that asked for an event stream still has to learn why
    /// it gets none.
    /// </summary>
    /// <param name="context">The request that it answers.</param>
    /// <param name="members">Further members of this problem.</param>
    public Task WriteAsync(HttpContext context, Dictionary<string, object?>? members = null)
    {
        context.Response.StatusCode = Status;
        if (Status == StatusCodes.Status503ServiceUnavailable && context.Response.Headers.RetryAfter.Count == 0)
        {
            context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        var problem = new ProblemDetails
        {
            Type = $"/problems/{Slug}",
            Title = Title,
            Status = Status,
            Detail = Detail,
            Instance = context.Request.Path,
            Extensions = { ["traceId"] = Activity.Current?.Id ?? context.TraceIdentifier },
        };

        foreach (var (name, value) in members ?? []) problem.Extensions[name] = value;

        // Not the request's token: it is cancelled when the answer is that the request took too long.
        return context.Response.WriteAsJsonAsync(
            problem, JsonSerializerOptions.Web, "application/problem+json", CancellationToken.None);
    }
}
