using Polly;
using Polly.CircuitBreaker;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>
/// What stands between a caller and a dependency that stumbles, from the outside in: total timeout, retry,
/// circuit breaker, timeout of one attempt. Absent: an option for the concurrency limit, which is 1,000.
/// </summary>
public class HttpStandardResilienceOptions
{
    /// <summary>Bounds the whole call, retries and pauses included. 30 s.</summary>
    public HttpTimeoutStrategyOptions TotalRequestTimeout { get; set; } =
        new() { Name = "Standard-TotalRequestTimeout", Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Three more attempts after about 2, 4 and 8 s, or when the server's Retry-After says.</summary>
    public HttpRetryStrategyOptions Retry { get; set; } = new() { Name = "Standard-Retry" };

    /// <summary>Opens for 5 s once a tenth of at least 100 attempts within 30 s has failed.</summary>
    public HttpCircuitBreakerStrategyOptions CircuitBreaker { get; set; } = new() { Name = "Standard-CircuitBreaker" };

    /// <summary>Bounds one attempt. 10 s.</summary>
    public HttpTimeoutStrategyOptions AttemptTimeout { get; set; } =
        new() { Name = "Standard-AttemptTimeout", Timeout = TimeSpan.FromSeconds(10) };
}

/// <summary>A timeout.</summary>
public class HttpTimeoutStrategyOptions : Polly.Timeout.TimeoutStrategyOptions
{
}

/// <summary>Retries of attempts that may succeed later.</summary>
public class HttpRetryStrategyOptions : Polly.Retry.RetryStrategyOptions<HttpResponseMessage>
{
    /// <summary>Sets the standard's values.</summary>
    public HttpRetryStrategyOptions()
    {
        ShouldHandle = arguments => ValueTask.FromResult(Transient.IsFailure(arguments.Outcome));
        BackoffType = DelayBackoffType.Exponential;
        UseJitter = true;
        DelayGenerator = arguments => ValueTask.FromResult(
            ShouldRetryAfterHeader && arguments.Outcome.Result is { } response
                ? Transient.RetryAfter(response, arguments.Context)
                : null);
    }

    /// <summary>Whether a response's Retry-After header decides the pause. True.</summary>
    public bool ShouldRetryAfterHeader { get; set; } = true;
}

/// <summary>Stops asking a dependency that mostly fails.</summary>
public class HttpCircuitBreakerStrategyOptions : CircuitBreakerStrategyOptions<HttpResponseMessage>
{
    /// <summary>Sets the standard's values.</summary>
    public HttpCircuitBreakerStrategyOptions() =>
        ShouldHandle = arguments => ValueTask.FromResult(Transient.IsFailure(arguments.Outcome));
}
