using Inventory.Contracts;
using Inventory.ReservationApi.Problems;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Inventory.ReservationApi.Access;

/// <summary>
/// Answers a caller without permission: 401 where a key would help, 403 where the caller's own key or session never
/// will.
/// </summary>
internal sealed class RefusedCallers : IAuthorizationMiddlewareResultHandler
{
    private const string Challenge = $"ApiKey realm=\"inventory\", header=\"{InventoryHeaders.ApiKey}\"";

    /// <inheritdoc/>
    public Task HandleAsync(
        RequestDelegate next,
        HttpContext context,
        AuthorizationPolicy policy,
        PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded) return next(context);
        var rule = policy.Requirements.OfType<AccessRule>().SingleOrDefault();
        return rule is null || context.User is not Caller { IsLocal: false } caller
            ? ChallengeAsync(context)
            : Refusal.ScopeMissing(rule.Scope, caller.Shopper is not null).ExecuteAsync(context);
    }

    /// <summary>Refuses an unknown key, also where everyone may call.</summary>
    internal static Task RefuseWrongKeysAsync(HttpContext http, RequestDelegate next) =>
        http.User is not Caller && http.Request.Headers.ContainsKey(InventoryHeaders.ApiKey)
            ? ChallengeAsync(http)
            : next(http);

    internal static Task ChallengeAsync(HttpContext http)
    {
        http.Response.Headers.WWWAuthenticate = Challenge;
        var detail = http.Request.Headers.ContainsKey(InventoryHeaders.ApiKey)
            ? $"The key in {InventoryHeaders.ApiKey} is not known here. Nothing was done."
            : $"This call needs a key in {InventoryHeaders.ApiKey}, or a shopper's session where shoppers may call. "
                + "Nothing was done.";
        return Refusal.Of(Problem.AuthenticationRequired, detail).ExecuteAsync(http);
    }
}
