using Microsoft.AspNetCore.Authorization;

namespace Inventory.ReservationApi.Access;

/// <summary>Authentication and authorization of callers.</summary>
internal static class AccessFeature
{
    internal const string Scheme = "Caller";

    internal static void AddAccess(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddApiKeys();
        services.AddSingleton<KnownCallers>();
        // The core alone: AddAuthentication adds data protection for cookies, which needs keys of its own.
        services.AddTransient<CallerAuthentication>();
        services.AddAuthenticationCore(options =>
        {
            options.DefaultScheme = Scheme;
            options.AddScheme<CallerAuthentication>(Scheme, null);
        });
        services.AddAuthorization(options => options.FallbackPolicy =
            new AuthorizationPolicyBuilder().AddRequirements(new Undecided()).Build());
        services.AddSingleton<IAuthorizationHandler, AccessRuleHandler>();
        services.AddSingleton<IAuthorizationHandler, UndecidedHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusedCallers>();
    }

    /// <summary>Authenticates callers and refuses them. Later middleware knows the caller.</summary>
    internal static void UseAccess(this IApplicationBuilder app)
    {
        app.UseAuthentication();
        app.Use(RefusedCallers.RefuseWrongKeysAsync);
        app.UseAuthorization();
    }

    private sealed class AccessRuleHandler : AuthorizationHandler<AccessRule>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, AccessRule requirement)
        {
            if (context.User is Caller caller && requirement.Admits(caller)) context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }

    /// <summary>The requirement of an endpoint that declares no callers: it is never met.</summary>
    private sealed record Undecided : IAuthorizationRequirement;

    /// <summary>Admits requests without an endpoint of this API: the framework's own 404, 405 and 415.</summary>
    private sealed class UndecidedHandler : AuthorizationHandler<Undecided>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Undecided requirement)
        {
            if (context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)
            {
                context.Succeed(requirement);
            }

            return Task.CompletedTask;
        }
    }
}
