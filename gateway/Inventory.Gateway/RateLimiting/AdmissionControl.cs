using System.Globalization;
using System.Net;
using Inventory.Contracts;
using Inventory.Gateway.Sessions;
using Inventory.Identity;

namespace Inventory.Gateway.RateLimiting;

/// <summary>
/// Identifies the caller and decides whether the request may pass, with one call to Redis, and a second one where the
/// session has ended: it charges key, session and address, and keeps the session alive. Passes the shopper's subject to
/// the API.
/// </summary>
/// <remarks>
/// By design: an unknown key is not refused here; the API does that. Its caller counts as one without a key, and gets
/// no new session.
/// </remarks>
internal sealed class AdmissionControl(
    RequestDelegate next,
    SharedLimiter shared,
    LocalLimiter local,
    SessionCookie cookie,
    ApiKeyRing keys,
    AdmissionMetrics metrics,
    IHostEnvironment environment)
{
    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RouteLimits>() is { } route
            ? AdmitAsync(context, route)
            : next(context);

    private async Task AdmitAsync(HttpContext context, RouteLimits route)
    {
        var apiKey = keys.Find(context.Request.Headers[InventoryHeaders.ApiKey])?.Name;
        var session = apiKey is null ? cookie.Read(context.Request) : null;
        var begins = apiKey is null && session is null && Begins(context, route.Session);
        if (begins && !cookie.IsReady)
        {
            await GatewayProblem.SessionsUnavailable.WriteAsync(context);
            return;
        }

        var subject = begins ? ShopperSubject.Create() : session?.Subject;
        var set = Charged(route.Policy, apiKey, subject, begins);
        var who = new Identities(subject, apiKey, ClientAddress.Of(context.Connection.RemoteIpAddress));

        // A session that Redis doesn't know has ended. Where its cookie is too fresh for the session to have been idle,
        // Redis has lost its data, and the session begins again.
        var mayBegin = begins || (session is not null && cookie.IsFresh(session));
        var verdict = await shared.TakeAsync(set, who, mayBegin) ?? local.Take(set, who);
        if (verdict.Session == SessionState.Ended)
        {
            // Nothing was charged. The caller counts as one without a cookie, and pays for a new session that begins.
            session = null;
            begins = Begins(context, route.Session);
            subject = begins ? ShopperSubject.Create() : null;
            (set, who) = (Charged(route.Policy, apiKey, subject, begins), who with { Subject = subject });
            verdict = await shared.TakeAsync(set, who, begins) ?? local.Take(set, who);
        }

        WriteHeaders(context.Response.Headers, set, verdict);
        if (verdict.Outcome == RateLimitOutcome.Refused)
        {
            metrics.Refused(verdict);
            await RefuseAsync(context, verdict);
            return;
        }

        Continue(context, session, subject, begins, verdict);
        if (subject is not null) context.Request.Headers[InventoryHeaders.Shopper] = subject;
        await next(context);
    }

    /// <summary>Whether a request without session and key begins a session.</summary>
    private bool Begins(HttpContext context, SessionUse use) => use switch
    {
        _ when context.Request.Headers.ContainsKey(InventoryHeaders.ApiKey) => false,
        SessionUse.BeginAlways => true,
        // In Development, callers on this machine name their customers themselves.
        SessionUse.Begin => !environment.IsDevelopment() || context.Connection.RemoteIpAddress is not { } address
            || !IPAddress.IsLoopback(address),
        _ => false,
    };

    private static BudgetSet Charged(CompiledPolicy policy, string? apiKey, string? subject, bool begins) =>
        apiKey is not null ? policy.Key
        : begins ? policy.NewShopper
        : subject is not null ? policy.Shopper
        : policy.Anonymous;

    /// <summary>Writes a cookie when a session begins or its cookie is due for renewal.</summary>
    private void Continue(HttpContext context, Session? session, string? subject, bool begins, Verdict verdict)
    {
        // A cookie that isn't fresh is renewed only when Redis says that its session is alive; without Redis it stays.
        var renews = !begins && session is not null && verdict.Session == SessionState.Alive
            && cookie.IsDue(session) && (verdict.Shared || cookie.IsFresh(session));
        if (subject is not null && (begins || renews)) cookie.Issue(context, subject);
    }

    private static void WriteHeaders(IHeaderDictionary headers, BudgetSet set, Verdict verdict)
    {
        if (verdict.Tightest is not { } budget) return;
        var reset = Seconds(verdict.Reset);
        var remaining = verdict.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Policy"] = set.Header;
        headers["RateLimit"] = $"\"{budget.Name}\";r={remaining};t={reset}";
        headers["X-RateLimit-Limit"] = budget.Permits.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Remaining"] = remaining;
        headers["X-RateLimit-Reset"] = reset;
    }

    private static Task RefuseAsync(HttpContext context, Verdict verdict)
    {
        context.Response.Headers.RetryAfter = Seconds(verdict.Reset);
        return GatewayProblem.TooManyRequests.WriteAsync(context);
    }

    private static string Seconds(TimeSpan time) =>
        Math.Max(1, (long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
