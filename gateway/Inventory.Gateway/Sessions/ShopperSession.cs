using System.Text;
using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Inventory.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.Sessions;

/// <summary>
/// GET /api/session: the caller's session, which begins if there is none. DELETE /api/session: ends it at all gateways.
/// </summary>
public static class ShopperSession
{
    private const string Path = "/api/session";

    private static readonly GatewayProblem WithKey = new(
        Problem.NotFound,
        "Callers with an API key have no session: they name their customers themselves.");

    /// <summary>A session as its owner sees it.</summary>
    /// <param name="Subject">The shopper: the customer of all reservations that are made in this session.</param>
    /// <param name="ExpiresInSeconds">How long it lasts without another request.</param>
    public sealed record Response(string Subject, long ExpiresInSeconds);

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var policies = routes.ServiceProvider.GetRequiredService<RatePolicies>();
        routes.MapGet(Path, Show)
            .WithMetadata(new RouteLimits(policies.Named("Read", Path), SessionUse.BeginAlways));
        routes.MapDelete(Path, EndAsync)
            .WithMetadata(new RouteLimits(policies.Named("Change", Path), SessionUse.IfPresent));
    }

    private static Task Show(HttpContext context, IOptions<ShopperSessionOptions> options)
    {
        var subject = context.Request.Headers[InventoryHeaders.Shopper].ToString();
        if (subject.Length == 0) return WithKey.WriteAsync(context);

        // Neither a browser nor a proxy may give one shopper's answer to another.
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(
            new Response(subject, (long)options.Value.IdleTimeout.TotalSeconds), context.RequestAborted);
    }

    private static async Task EndAsync(
        HttpContext context,
        SessionCookie cookie,
        IConnectionMultiplexer redis,
        IOptions<ShopperSessionOptions> options)
    {
        if (await HasContentAsync(context))
        {
            await GatewayProblem.BodyNotTaken.WriteAsync(
                context, new() { ["errors"] = new Dictionary<string, string[]> { ["body"] = ["must be left out"] } });
            return;
        }

        var subject = context.Request.Headers[InventoryHeaders.Shopper].ToString();
        if (subject.Length > 0)
        {
            try
            {
                // Kept for as long as a copy of the cookie could count as fresh.
                await redis.GetDatabase().StringSetAsync(
                    SharedLimiter.SessionKey(subject), "ended", options.Value.IdleTimeout).OrFailedAsync();
            }
            catch (StoreException)
            {
                // Without this key other gateways still accept the cookie, so the session can't be reported as ended.
                await GatewayProblem.SessionsUnavailable.WriteAsync(context);
                return;
            }
        }

        cookie.Delete(context);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>
    /// Whether the body, which has arrived, says anything: more than an empty JSON object, as in the API.
    /// </summary>
    private static async ValueTask<bool> HasContentAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return false;
        var body = (await context.Request.ReadBodyAsync(context.RequestAborted)).Buffer;
        var isEmpty = Encoding.UTF8.GetString(body).AsSpan().Trim() is "" or "{}";
        context.Request.BodyReader.AdvanceTo(body.End);
        return !isEmpty;
    }
}
