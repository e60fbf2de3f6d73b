using Microsoft.AspNetCore.Http.Timeouts;
using Yarp.ReverseProxy.Forwarder;

namespace Inventory.Gateway.Proxying;

/// <summary>How an attempt to forward a request ended, as far as it decides what happens next.</summary>
internal enum UpstreamFailure
{
    /// <summary>The replica answered, with any status.</summary>
    None,

    /// <summary>No connection was made, so nothing was sent and nothing was done.</summary>
    Unreachable,

    /// <summary>The connection broke once sending had begun: the request may have been carried out.</summary>
    Interrupted,

    /// <summary>No answer in time: the request may still be carried out.</summary>
    TimedOut,

    /// <summary>The client's request can't be forwarded: a header, or a body that didn't come to its end.</summary>
    BadRequest,

    /// <summary>The client disconnected, so no answer is needed.</summary>
    ClientGone,
}

/// <summary>Reads the outcome of the last attempt from a request.</summary>
internal static class UpstreamOutcome
{
    /// <summary>The outcome of the last attempt to forward <paramref name="context"/>'s request.</summary>
    public static UpstreamFailure Of(HttpContext context) =>
        context.Features.Get<IForwarderErrorFeature>() is { } failure
            ? Classify(context, failure)
            : UpstreamFailure.None;

    private static UpstreamFailure Classify(HttpContext context, IForwarderErrorFeature failure) => failure.Error switch
    {
        ForwarderError.None => UpstreamFailure.None,
        ForwarderError.NoAvailableDestinations => UpstreamFailure.Unreachable,
        ForwarderError.Request when IsConnectFailure(failure.Exception) => UpstreamFailure.Unreachable,
        ForwarderError.RequestTimedOut when IsConnectTimeout(failure.Exception) => UpstreamFailure.Unreachable,
        ForwarderError.RequestTimedOut => UpstreamFailure.TimedOut,
        ForwarderError.RequestBodyClient or ForwarderError.RequestCreation => UpstreamFailure.BadRequest,

        // Cancelled through the request's token: the client disconnected, or the gateway's own timeout expired.
        ForwarderError.RequestCanceled or ForwarderError.RequestBodyCanceled or ForwarderError.ResponseBodyCanceled =>
            context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested == true
                ? UpstreamFailure.TimedOut
                : UpstreamFailure.ClientGone,
        ForwarderError.ResponseBodyClient => UpstreamFailure.ClientGone,
        _ => UpstreamFailure.Interrupted,
    };

    private static bool IsConnectFailure(Exception? exception) => exception is HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError
    };

    // SocketsHttpHandler has one timeout of its own, that of connecting, and reports it as a cancellation.
    private static bool IsConnectTimeout(Exception? exception) =>
        exception is OperationCanceledException { InnerException: TimeoutException };
}
