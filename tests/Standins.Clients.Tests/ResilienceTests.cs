using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Standins.Clients.Tests;

public sealed class ResilienceTests
{
    private int attempts;

    [Theory]
    //          answers, the last one for ever      attempts   what the caller sees
    [InlineData("503,503,200", 3, HttpStatusCode.OK)]
    [InlineData("503", 4, HttpStatusCode.ServiceUnavailable)]
    [InlineData("429,408,500,200", 4, HttpStatusCode.OK)]
    [InlineData("404", 1, HttpStatusCode.NotFound)]
    [InlineData("409", 1, HttpStatusCode.Conflict)]
    public async Task What_may_pass_is_retried_three_times(
        string answers, int expectedAttempts, HttpStatusCode expected)
    {
        var statuses = answers.Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture)).ToArray();
        await using var server = await LoopbackServer.StartAsync(context =>
        {
            var attempt = Interlocked.Increment(ref attempts);
            context.Response.StatusCode = statuses[Math.Min(attempt, statuses.Length) - 1];
            // In place of pauses of 2, 4 and 8 s: that it is honoured is what makes this test fast.
            context.Response.Headers.RetryAfter = "0";
            return Task.CompletedTask;
        });
        using var services = Build(_ => { });

        using var response = await Client(services).GetAsync(server.Address);

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(expectedAttempts, attempts);
    }

    [Fact]
    public async Task A_body_is_sent_again_with_a_retry()
    {
        var bodies = new List<string>();
        await using var server = await LoopbackServer.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            bodies.Add(await reader.ReadToEndAsync());
            context.Response.StatusCode = bodies.Count == 1 ? 503 : 204;
            context.Response.Headers.RetryAfter = "0";
        });
        using var services = Build(_ => { });

        using var response = await Client(services).PostAsync(server.Address, new StringContent("order"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(["order", "order"], bodies);
    }

    [Fact]
    public async Task A_refused_connection_is_retried_and_reported_as_itself()
    {
        Uri address;
        await using (var server = await LoopbackServer.StartAsync(_ => Task.CompletedTask))
        {
            address = server.Address;
        }

        var retries = 0;
        using var services = Build(options =>
        {
            options.Retry.Delay = TimeSpan.FromMilliseconds(1);
            options.Retry.OnRetry = _ =>
            {
                retries++;
                return default;
            };
        });

        await Assert.ThrowsAsync<HttpRequestException>(() => Client(services).GetAsync(address));
        Assert.Equal(3, retries);
    }

    [Fact]
    public async Task A_slow_attempt_is_cut_and_the_whole_call_is_bounded()
    {
        await using var server = await LoopbackServer.StartAsync(async context =>
        {
            if (Interlocked.Increment(ref attempts) == 1)
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(
                    ConfigureAwaitOptions.SuppressThrowing);
            }

            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "60";
        });
        using var services = Build(options =>
        {
            options.AttemptTimeout.Timeout = TimeSpan.FromMilliseconds(200);
            options.TotalRequestTimeout.Timeout = TimeSpan.FromSeconds(1);
            options.Retry.Delay = TimeSpan.FromMilliseconds(1);
        });

        await Assert.ThrowsAsync<TimeoutRejectedException>(() => Client(services).GetAsync(server.Address));
        Assert.Equal(2, attempts);
    }

    [Fact]
    public async Task A_dependency_that_mostly_fails_is_left_alone()
    {
        await using var server = await LoopbackServer.StartAsync(context =>
        {
            Interlocked.Increment(ref attempts);
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        using var services = Build(options => options.Retry.ShouldHandle = static _ => PredicateResult.False());

        for (var i = 0; i < 100; i++)
        {
            using var response = await Client(services).GetAsync(server.Address);
        }

        await Assert.ThrowsAsync<BrokenCircuitException>(() => Client(services).GetAsync(server.Address));
        Assert.Equal(100, attempts);
    }

    [Fact]
    public void The_standard_values_are_the_documented_ones()
    {
        var options = new HttpStandardResilienceOptions();

        Assert.Equal(TimeSpan.FromSeconds(30), options.TotalRequestTimeout.Timeout);
        Assert.Equal(TimeSpan.FromSeconds(10), options.AttemptTimeout.Timeout);
        Assert.Equal(
            (3, TimeSpan.FromSeconds(2), DelayBackoffType.Exponential, true, true),
            (options.Retry.MaxRetryAttempts, options.Retry.Delay, options.Retry.BackoffType, options.Retry.UseJitter,
                options.Retry.ShouldRetryAfterHeader));
        Assert.Equal(
            (0.1, 100, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(5)),
            (options.CircuitBreaker.FailureRatio, options.CircuitBreaker.MinimumThroughput,
                options.CircuitBreaker.SamplingDuration, options.CircuitBreaker.BreakDuration));
    }

    private static ServiceProvider Build(Action<HttpStandardResilienceOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("dependency").AddStandardResilienceHandler(configure);
        return services.BuildServiceProvider();
    }

    // A new one each time, as applications do: the pipeline must be the same all the same.
    private static HttpClient Client(ServiceProvider services) =>
        services.GetRequiredService<IHttpClientFactory>().CreateClient("dependency");
}
