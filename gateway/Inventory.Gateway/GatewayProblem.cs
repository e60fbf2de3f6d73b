using System.Diagnostics;
using System.Globalization;
using System.Net.Mime;
using System.Text.Json;
using Inventory.Contracts;
using Microsoft.AspNetCore.Mvc;

namespace Inventory.Gateway;

/// <summary>
/// A problem that the gateway itself reports, as problem details (RFC 9457). The API's answers are passed on unchanged.
/// </summary>
/// <param name="Kind">The kind of problem, which the API documents.</param>
/// <param name="Detail">What a person can do about it.</param>
internal sealed record GatewayProblem(ProblemType Kind, string Detail)
{
    /// <summary>One interval of the health probes: by then a replica that is back takes requests again.</summary>
    private const int RetryAfterSeconds = 1;

    public static readonly GatewayProblem MalformedRequest = new(Problem.MalformedRequest,
        "It could not be read as HTTP. Check its framing, headers and body length.");

    public static readonly GatewayProblem ForeignHost = new(Problem.MalformedRequest,
        "The Host header names another host than this gateway. AllowedHosts lists its names.");

    public static readonly GatewayProblem BodyNotTaken = new(Problem.Validation,
        "This call takes no body, so what it says would be ignored. Nothing was done; send it without one.");

    public static readonly GatewayProblem NotFound = new(Problem.NotFound,
        "No public resource has this path. The API is described at /docs.");

    public static readonly GatewayProblem MethodNotAllowed = new(Problem.MethodNotAllowed,
        "The path exists but takes other methods. The Allow header names those it takes.");

    public static readonly GatewayProblem RequestTooSlow = new(Problem.RequestTimeout,
        "The body did not arrive in time. Nothing was done; send it again.");

    public static readonly GatewayProblem PayloadTooLarge = new(Problem.PayloadTooLarge,
        "Split the request: a batch may be sent as several smaller ones.");

    /// <summary>Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyRequests = new(Problem.TooManyRequests,
        "The budget of requests is used up. Repeat the request after the time given in Retry-After; RateLimit-Policy "
        + "lists the budgets.");

    /// <summary>One caller has too many streams open. Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyStreams = TooManyRequests with
    {
        Detail = "You have as many streams open as one caller may. Close one; GET /api/stock/{sku} still answers.",
    };

    /// <summary>A shopper's attempt comes too soon after the last. Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem AttemptTooEarly = new(Problem.TooManyRequests,
        "Stock is being taken very fast, so each shopper may try once every few seconds. Repeat the request after the "
        + "time given in Retry-After; its solution is still valid.");

    public static readonly GatewayProblem UriTooLong = new(Problem.UriTooLong,
        "Send a shorter query; no path of this API comes near the limit.");

    public static readonly GatewayProblem HeadersTooLarge = new(Problem.HeadersTooLarge,
        "Send fewer or shorter headers; accumulated cookies are a common cause.");

    public static readonly GatewayProblem InternalError = new(Problem.InternalError,
        "The gateway could not handle the request. Quote the traceId when reporting it.");

    public static readonly GatewayProblem UpstreamInterrupted = new(Problem.UpstreamInterrupted,
        "The connection broke after the request was sent, so it may have been carried out. Repeat it with an "
        + "Idempotency-Key, or read the resource before repeating it.");

    public static readonly GatewayProblem UpstreamUnavailable = new(Problem.UpstreamUnavailable,
        "Nothing was done. Repeat the request after the time given in Retry-After.");

    public static readonly GatewayProblem TemporaryReducedCapacity = new(Problem.TemporaryReducedCapacity,
        "Nothing was done. Try again after the time in Retry-After.");

    /// <summary>Comes with a Retry-After of its own.</summary>
    public static readonly GatewayProblem TooManyListeners = new(Problem.TooManyListeners,
        "This gateway has as many streams open as it allows. GET /api/stock/{sku} still answers.");

    public static readonly GatewayProblem SessionsUnavailable = new(Problem.SessionsUnavailable,
        "The session store is unavailable. Existing sessions stay valid. Repeat the request after the time given in "
        + "Retry-After.");

    public static readonly GatewayProblem UpstreamTimeout = new(Problem.UpstreamTimeout,
        "The request may still be carried out. Repeat it with the same Idempotency-Key, or read the resource before "
        + "repeating it.");

    /// <summary>The problem for a status that was set without a body, by routing or by Kestrel.</summary>
    public static GatewayProblem ForStatus(int status) => status switch
    {
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => RequestTooSlow,
        413 => PayloadTooLarge,
        414 => UriTooLong,
        431 => HeadersTooLarge,
        >= 400 and < 500 => Malformed(status),
        _ => InternalError,
    };

    /// <summary>The problem details, as JSON, of what the server refuses before there is a request.</summary>
    public static byte[] DescribeUnread(int status)
    {
        // The only such refusal above 499 is that of an unsupported version of HTTP.
        var problem = status < 500 ? ForStatus(status) : Malformed(status);
        return problem.ToJson();
    }

    /// <summary>The problem details without path and trace, so the same for every occurrence.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(Details(), JsonSerializerOptions.Web);

    /// <summary>
    /// Writes the problem, whatever the caller accepts: a client that asked for an event stream still has to learn why
    /// it gets none.
    /// </summary>
    /// <param name="context">The request that it answers.</param>
    /// <param name="members">Further members of this problem.</param>
    public Task WriteAsync(HttpContext context, Dictionary<string, object?>? members = null)
    {
        context.Response.StatusCode = Kind.Status;
        // An exception has cleared the headers that middleware set before.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (Kind.Status == StatusCodes.Status503ServiceUnavailable && context.Response.Headers.RetryAfter.Count == 0)
        {
            context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        var problem = Details();
        problem.Instance = context.Request.Path;
        problem.Extensions["traceId"] = Activity.Current?.Id ?? context.TraceIdentifier;
        foreach (var (name, value) in members ?? []) problem.Extensions[name] = value;

        // Not the request's token: it is cancelled when the answer is that the request took too long.
        return context.Response.WriteAsJsonAsync(
            problem, JsonSerializerOptions.Web, MediaTypeNames.Application.ProblemJson, CancellationToken.None);
    }

    private static GatewayProblem Malformed(int status) =>
        MalformedRequest with { Kind = Problem.MalformedRequest with { Status = status } };

    private ProblemDetails Details() => new()
    {
        Type = Kind.Uri,
        Title = Kind.Title,
        Status = Kind.Status,
        Detail = Detail,
    };
}
