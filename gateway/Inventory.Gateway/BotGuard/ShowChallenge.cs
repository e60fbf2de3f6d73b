using System.Globalization;
using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Microsoft.Extensions.Primitives;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// GET /api/challenge: a challenge for the caller's session, which begins if there is none; the <c>challengeurl</c> of
/// ALTCHA's widget. A page may have it solved before the guard requires a proof. <c>?units=</c> says how many units it
/// is for; without it, as many as the least difficulty allows.
/// </summary>
/// <remarks>
/// The SKU isn't known yet, so the greatest pressure on any of them counts: a challenge from here is never cheaper than
/// one that comes with a refusal at the same time.
/// </remarks>
internal static class ShowChallenge
{
    private const string Path = "/api/challenge";

    private static readonly GatewayProblem WithKey = new(
        Problem.NotFound,
        "Callers with an API key need no proof of work: they name their customers themselves.");

    private static readonly string UnitsRule = $"must be a whole number from 1 to {Difficulty.MostUnits}";

    private static readonly GatewayProblem WrongUnits = new(Problem.Validation, $"`units` {UnitsRule}.");

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var policies = routes.ServiceProvider.GetRequiredService<RatePolicies>();
        routes.MapGet(Path, Show)
            .WithMetadata(new RouteLimits(policies.Named("Read", Path), SessionUse.BeginAlways));
    }

    private static Task Show(
        HttpContext context, ProofOfWork proofs, GuardMemory memory, GuardMetrics metrics, TimeProvider time)
    {
        var subject = context.Request.Headers[InventoryHeaders.Shopper].ToString();
        if (subject.Length == 0) return WithKey.WriteAsync(context);
        if (UnitsOf(context.Request.Query["units"]) is not { } units)
        {
            return WrongUnits.WriteAsync(
                context, new() { ["errors"] = new Dictionary<string, string[]> { ["units"] = [UnitsRule] } });
        }

        var (tightened, now) = (memory.Tightened, time.GetTimestamp());
        var own = tightened.PressureOnShopper(
            subject, ClientAddress.Of(context.Connection.RemoteIpAddress), now);
        metrics.Issued();
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(
            proofs.Issue(subject, units, Math.Max(own, tightened.PressureOnSkus(now))), context.RequestAborted);
    }

    private static long? UnitsOf(StringValues text)
    {
        if (text.Count == 0) return 1;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var units)
            && units is >= 1 and <= Difficulty.MostUnits
            ? units
            : null;
    }
}
