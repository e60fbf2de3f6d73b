using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// GET /api/challenge: a challenge for the caller's session, which begins if there is none; the <c>challengeurl</c> of
/// ALTCHA's widget. A page may have it solved before the guard requires a proof.
/// </summary>
internal static class ShowChallenge
{
    private const string Path = "/api/challenge";

    private static readonly GatewayProblem WithKey = new(
        Problem.NotFound,
        "Callers with an API key need no proof of work: they name their customers themselves.");

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var policies = routes.ServiceProvider.GetRequiredService<RatePolicies>();
        routes.MapGet(Path, Show)
            .WithMetadata(new RouteLimits(policies.Named("Read", Path), SessionUse.BeginAlways));
    }

    private static Task Show(HttpContext context, ProofOfWork proofs, GuardMetrics metrics)
    {
        var subject = context.Request.Headers[InventoryHeaders.Shopper].ToString();
        if (subject.Length == 0) return WithKey.WriteAsync(context);

        metrics.Issued();
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(proofs.Issue(subject), context.RequestAborted);
    }
}
