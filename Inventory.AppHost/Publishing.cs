using Inventory.Contracts;

namespace Inventory.AppHost;

/// <summary>
/// What only a deployment has: real keys, the proxies in front of the gateway, and the platform's stores. The templates
/// in <c>infra/</c> say what the manifest can't: replicas, probes and scaling.
/// </summary>
internal static class Publishing
{
    private const string StoresSetting = "Publish:Stores";

    // Where Container Apps' ingress connects from, in an environment that azd makes. The ingress replaces
    // X-Forwarded-For, so a client can't forge its address.
    private const string ContainerAppsIngress = "100.100.0.0/16";

    /// <summary>Applies to every service that was added before; nothing happens in a local run.</summary>
    public static void ConfigurePublishing(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> gateway)
    {
        if (!builder.ExecutionContext.IsPublishMode) return;
        foreach (var resource in builder.Resources.OfType<ProjectResource>().ToList())
        {
            // Aspire would set ASPNETCORE_FORWARDEDHEADERS_ENABLED, with which ASP.NET Core trusts any sender. The
            // gateway reads these headers itself, and only from its trusted proxies; no other service needs them.
            builder.CreateResourceBuilder(resource).DisableForwardedHeaders();
        }

        builder.RequireApiKeys(api, gateway);
        builder.RequireWebhookSecret(api);
        builder.TrustIngress(gateway);
    }

    /// <summary>
    /// Whether a deployment brings its own Redis and PostgreSQL, as it does by default. The volume that azd gives a
    /// container is an SMB share, on which PostgreSQL doesn't run; a platform with disks for its containers may set
    /// <c>Publish:Stores=containers</c>.
    /// </summary>
    public static bool PublishesManagedStores(this IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsPublishMode) return false;
        var stores = builder.Configuration[StoresSetting] ?? "managed";
        if (stores is not ("managed" or "containers"))
        {
            RunSettings.Refuse($"{StoresSetting} must be managed or containers, and is {stores}.");
        }

        return stores == "managed";
    }

    /// <summary>Adds a store that the deployment brings: azd asks for its connection string.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddManagedStore(
        this IDistributedApplicationBuilder builder, string name, string description)
    {
        var store = builder.AddConnectionString(name);
        if (store.Resource is ParameterResource parameter)
        {
            builder.CreateResourceBuilder(parameter).WithDescription(description);
        }

        return store;
    }

    /// <summary>Both services know the same keys: the gateway limits their requests, the API authorizes.</summary>
    private static void RequireApiKeys(
        this IDistributedApplicationBuilder builder, params IResourceBuilder<ProjectResource>[] services)
    {
        var admin = builder.AddParameter("admin-key-hash", secret: true)
            .WithDescription("SHA-256 of the key for products, stock and operations, in 64 hexadecimal digits.");
        var backend = builder.AddParameter("backend-key-hash", secret: true)
            .WithDescription("SHA-256 of the key that reserves and confirms for customers, in 64 hexadecimal digits.");
        foreach (var service in services)
        {
            service
                .WithEnvironment("ApiKeys__0__Name", "admin")
                .WithEnvironment("ApiKeys__0__Hash", admin)
                .WithEnvironment("ApiKeys__0__Scopes__0", ScopeNames.Admin)
                .WithEnvironment("ApiKeys__1__Name", "backend")
                .WithEnvironment("ApiKeys__1__Hash", backend)
                .WithEnvironment("ApiKeys__1__Scopes__0", ScopeNames.Reserve)
                .WithEnvironment("ApiKeys__1__Scopes__1", ScopeNames.Confirm);
        }
    }

    private static void RequireWebhookSecret(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api) =>
        api.WithEnvironment("Payments__WebhookSecrets__0", builder.AddParameter("webhook-secret", secret: true)
            .WithDescription("What the payment provider signs with: whsec_ and 24 to 64 random bytes in base64."));

    private static void TrustIngress(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> gateway) =>
        // Without it every shopper would have the ingress' address, and all would share one budget of requests.
        gateway.WithEnvironment("Gateway__TrustedProxies__0", builder
            .AddParameter("trusted-proxies", ContainerAppsIngress, publishValueAsDefault: true)
            .WithDescription("The address or network from which the platform's ingress connects to the gateway."));
}
