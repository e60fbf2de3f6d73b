using Inventory.Contracts;

namespace Inventory.Identity;

/// <summary>
/// The keys of a local run, used when no other keys are configured. They are public in this source, so only the
/// Development environment accepts them.
/// </summary>
public static class DemoKeys
{
    /// <summary>Every scope.</summary>
    public const string Admin = "inv_demo_admin_5f1c0e7a9b3d4826a1c7e0f2b4d69853";

    /// <summary>A shop's backend: reserve and confirm.</summary>
    public const string Backend = "inv_demo_backend_c2a8d41f6e9075b3d8f1a6c40b7e2395";

    internal static IReadOnlyList<ApiKeySetting> Settings { get; } =
    [
        new()
        {
            Name = "demo-admin",
            Hash = ApiKeyRing.HashOf(Admin),
            Scopes = [ScopeNames.Reserve, ScopeNames.Confirm, ScopeNames.Admin],
        },
        new()
        {
            Name = "demo-backend",
            Hash = ApiKeyRing.HashOf(Backend),
            Scopes = [ScopeNames.Reserve, ScopeNames.Confirm],
        },
    ];
}
