using Inventory.Contracts;
using Microsoft.AspNetCore.Authorization;

namespace Inventory.ReservationApi.Access;

/// <summary>The callers that a restricted endpoint admits.</summary>
/// <param name="Scope">The scope that a key needs.</param>
/// <param name="Shoppers">Whether shoppers may call it too, for what belongs to them.</param>
internal sealed record AccessRule(Scopes Scope, bool Shoppers) : IAuthorizationRequirement
{
    internal bool Admits(Caller caller) =>
        (caller.Scopes & Scope) != 0 || (Shoppers && caller.Shopper is not null);
}

/// <summary>Marks an endpoint that everyone may call.</summary>
/// <param name="Because">Why it needs no authentication.</param>
internal sealed record OpenAccess(string Because);

/// <summary>
/// How an endpoint declares its callers. An endpoint without a declaration is closed to everyone, and a test reports
/// it.
/// </summary>
internal static class EndpointAccess
{
    /// <summary>The endpoint is for keys of this scope.</summary>
    internal static TBuilder OnlyFor<TBuilder>(this TBuilder endpoint, Scopes scope)
        where TBuilder : IEndpointConventionBuilder => endpoint.Under(new(scope, Shoppers: false));

    /// <summary>
    /// The endpoint is for shoppers, and for keys of this scope. It takes the holder from <see cref="Caller"/>.
    /// </summary>
    internal static TBuilder ForShoppersAnd<TBuilder>(this TBuilder endpoint, Scopes scope)
        where TBuilder : IEndpointConventionBuilder => endpoint.Under(new(scope, Shoppers: true));

    /// <summary>The endpoint is for everyone.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="because">Why it needs no authentication.</param>
    internal static TBuilder ForEveryone<TBuilder>(this TBuilder endpoint, string because)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new OpenAccess(because)).AllowAnonymous();

    private static TBuilder Under<TBuilder>(this TBuilder endpoint, AccessRule rule)
        where TBuilder : IEndpointConventionBuilder => endpoint
        .WithMetadata(rule)
        .RequireAuthorization(new AuthorizationPolicyBuilder().AddRequirements(rule).Build());
}
