using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>Marks an endpoint as one that may be shed.</summary>
/// <param name="Priority">The lowest is shed first.</param>
public sealed record MayBeShed(Priority Priority);

/// <summary>Sheds requests of endpoints that are marked <see cref="MayBeShed"/> in an overload.</summary>
/// <remarks>
/// By design: streams are not shed. They wait most of the time and have limits of their own, and a browser never
/// reconnects to a stream that failed to open.
/// </remarks>
internal sealed partial class LoadShedding(
    RequestDelegate next, LoadShedder shedder, OverloadMetrics metrics, byte[] problem, TimeProvider time,
    ILogger<LoadShedding> log)
{
    // Spread over some seconds: requests that are shed together must not come back together.
    private static readonly string[] RetryAfter = ["1", "2", "3", "4"];

    private readonly LogPace pace = new(time, TimeSpan.FromSeconds(10));
    private int turn;
    private int unreported;

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<MayBeShed>() is { } mark
            ? ServeAsync(context, mark.Priority)
            : next(context);

    private async Task ServeAsync(HttpContext context, Priority priority)
    {
        if (!await shedder.EnterAsync(priority))
        {
            await ShedAsync(context, priority);
            return;
        }

        try
        {
            // A request that was aborted while it waited is not carried out.
            if (!context.RequestAborted.IsCancellationRequested) await next(context);
        }
        finally
        {
            shedder.Leave(priority);
        }
    }

    private Task ShedAsync(HttpContext context, Priority priority)
    {
        metrics.Shed(priority);
        Report();
        var response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.ContentType = MediaTypeNames.Application.ProblemJson;
        response.ContentLength = problem.Length;
        response.Headers.RetryAfter = RetryAfter[(uint)Interlocked.Increment(ref turn) % (uint)RetryAfter.Length];
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(problem).AsTask();
    }

    /// <summary>Writes a line every ten seconds at most; the next line counts the requests in between.</summary>
    private void Report()
    {
        Interlocked.Increment(ref unreported);
        if (!pace.TryTake()) return;
        Overloaded(
            Interlocked.Exchange(ref unreported, 0), shedder.InFlight(Priority.Browsing),
            shedder.InFlight(Priority.Reserving));
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Overload: {Shed} requests shed since the last line; {Browsing} browse and {Reserving} reserve now.")]
    private partial void Overloaded(int shed, int browsing, int reserving);
}

/// <summary>Registers load shedding.</summary>
public static class LoadSheddingServices
{
    /// <summary>
    /// Reads <see cref="OverloadOptions"/>, and refuses to start when one is out of range or unknown.
    /// </summary>
    public static void AddLoadShedding(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<OverloadOptions>(OverloadOptions.Section);
        builder.Services.AddSingleton<OverloadMetrics>();
        builder.Services.AddSingleton<LoadShedder>();
    }

    /// <summary>Adds load shedding. It comes before all middleware that costs time.</summary>
    /// <param name="app">The application.</param>
    /// <param name="problem">The answer to a request that is shed: problem details, as JSON in UTF-8.</param>
    public static void UseLoadShedding(this IApplicationBuilder app, byte[] problem) =>
        app.UseMiddleware<LoadShedding>(problem);

    /// <summary>Marks an endpoint as one that may be shed. Endpoints without a mark never are.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="priority">The lowest is shed first.</param>
    public static TBuilder MayBeShed<TBuilder>(this TBuilder endpoint, Priority priority)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new MayBeShed(priority));
}
