using System.Text.Json;
using Inventory.Contracts;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Storage;

namespace Inventory.ReservationApi.Problems;

/// <summary>
/// Problem details for failures outside a handler: Redis or PostgreSQL is unavailable, a request is incomplete, a path
/// doesn't exist. Any other exception is a bug: the exception middleware logs it, and the client gets only a trace id.
/// </summary>
internal sealed class Failures : Microsoft.AspNetCore.Diagnostics.IExceptionHandler
{
    /// <summary>What to answer after <paramref name="exception"/>; null when it is a bug.</summary>
    internal static Refusal? Explain(Exception exception) => exception switch
    {
        StockCircuitOpenException => Refusal.StockUnavailable(),
        // A script fails in the middle at a key that all SKUs share.
        CorruptDataException { Sku: "-", IsBeingRepaired: true } => Refusal.OutcomeUnknown(),
        CorruptDataException corrupt => Refusal.StockUnreadable(corrupt.Message),
        _ when IsStockUnavailable(exception) => Refusal.OutcomeUnknown(),
        StoreException { IsOutage: true } => Refusal.OrdersUnavailable(),
        BadHttpRequestException { StatusCode: var status, Message: var message } => ForStatus(status, message),
        _ => null,
    };

    /// <summary>
    /// Whether <paramref name="exception"/> means that Redis is unavailable, so stock can't be decided.
    /// </summary>
    internal static bool IsStockUnavailable(Exception exception) =>
        exception is StoreException { Store: Store.Redis, IsOutage: true };

    /// <summary>
    /// Whether PostgreSQL is unavailable: it failed, or a timeout of this service ended the call. A cancellation by the
    /// caller doesn't count; an outage counts also after the caller has cancelled.
    /// </summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="caller">Is cancelled when the caller disconnects or the service stops.</param>
    internal static bool IsLedgerUnavailable(Exception exception, CancellationToken caller) => exception switch
    {
        OperationCanceledException => !caller.IsCancellationRequested,
        StoreException failed => failed is { Store: Store.PostgreSql, IsOutage: true },
        _ => exception is TimeoutException,
    };

    /// <summary>Adds problem details to an answer that the framework leaves without a body.</summary>
    internal static Task FillBodyAsync(HttpContext http) =>
        ForStatus(http.Response.StatusCode, null).ExecuteAsync(http);

    /// <summary>Problem details, as JSON, for what the server refuses before it has read a request.</summary>
    internal static byte[] DescribeUnread(int status) => JsonSerializer.SerializeToUtf8Bytes(
        status switch
        {
            StatusCodes.Status408RequestTimeout =>
                Refusal.Of(Problem.RequestTimeout, "The request did not arrive in time."),
            StatusCodes.Status414UriTooLong =>
                Refusal.Of(Problem.UriTooLong, "The path with its query is longer than the server reads."),
            StatusCodes.Status431RequestHeaderFieldsTooLarge =>
                Refusal.Of(Problem.HeadersTooLarge, "There are more headers, or larger ones, than the server reads."),
            _ => Refusal.Of(Problem.MalformedRequest with { Status = status }, "This can't be read as HTTP/1.1."),
        },
        ApiJson.Default.Refusal);

    /// <summary>Problem details, as JSON, for requests that load shedding refuses; the same for each.</summary>
    internal static byte[] DescribeShed() => JsonSerializer.SerializeToUtf8Bytes(
        Refusal.Of(Problem.TemporaryReducedCapacity, "Nothing was done. Try again after the time in Retry-After."),
        ApiJson.Default.Refusal);

    /// <summary>Answers an exception that <see cref="Explain"/> doesn't know.</summary>
    internal static Task AnswerBugAsync(HttpContext http) => Refusal.Of(Problem.InternalError,
        "The request could not be completed. The trace id leads to the reason.").ExecuteAsync(http);

    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(
        HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (Explain(exception) is not { } refusal) return false;
        // The rest of a body that can't be read would be taken for the next request.
        if (exception is BadHttpRequestException) httpContext.Response.Headers.Connection = "close";
        await refusal.ExecuteAsync(httpContext);
        return true;
    }

    private static Refusal ForStatus(int status, string? detail) => status switch
    {
        StatusCodes.Status404NotFound => Refusal.Of(Problem.NotFound, "No resource of this API has this path."),
        StatusCodes.Status405MethodNotAllowed =>
            Refusal.Of(Problem.MethodNotAllowed, "The path exists, but not for this method; see the Allow header."),
        StatusCodes.Status408RequestTimeout => Refusal.Of(Problem.RequestTimeout, "The body did not arrive in time."),
        StatusCodes.Status413PayloadTooLarge => IncomingBody.TooLarge,
        StatusCodes.Status415UnsupportedMediaType => IncomingBody.NotJson,
        >= 500 => Refusal.Of(Problem.InternalError, "The request could not be completed."),
        _ => Refusal.Of(Problem.MalformedRequest, detail ?? "The request can't be read."),
    };
}
