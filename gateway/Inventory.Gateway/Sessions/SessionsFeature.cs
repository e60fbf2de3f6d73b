using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Inventory.Gateway.Sessions;

/// <summary>Sessions of shoppers: their cookies, and the keys that all gateways sign these with.</summary>
internal static class SessionsFeature
{
    public static void AddSessions(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ShopperSessionOptions>(ShopperSessionOptions.Section);

        // The default name is the content root, but every instance must read the cookies of all others.
        builder.Services.AddDataProtection().SetApplicationName("Inventory.Gateway");
        builder.Services.AddSingleton<SessionKeys>();
        builder.Services.AddOptions<KeyManagementOptions>()
            .Configure<SessionKeys>((management, keys) => management.XmlRepository = keys);
        builder.Services.AddSingleton<SessionKeyring>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionKeyring>());
        builder.Services.AddSingleton<SessionCookie>();
    }

    public static void MapSessions(this IEndpointRouteBuilder routes) => ShopperSession.Map(routes);
}
