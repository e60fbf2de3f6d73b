using System.Net;
using Polly;
using Polly.Timeout;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Which outcomes may be better a moment later.</summary>
internal static class Transient
{
    /// <summary>The host's clock, for a Retry-After that names a date.</summary>
    public static readonly ResiliencePropertyKey<TimeProvider> Clock = new("Standins.Clock");

    // Any other 4xx is an answer, and asking again gets it again. An open circuit and a full limiter aren't retried
    // either: both exist so that less is asked.
    public static bool IsFailure(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException or TimeoutRejectedException } => true,
        { Result: { } response } => response.StatusCode is
            >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests,
        _ => false,
    };

    public static TimeSpan? RetryAfter(HttpResponseMessage response, ResilienceContext context)
    {
        if (response.Headers.RetryAfter is not { } header)
        {
            return null;
        }

        if (header.Date is { } date)
        {
            var wait = date - context.Properties.GetValue(Clock, TimeProvider.System).GetUtcNow();
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }

        return header.Delta;
    }
}
