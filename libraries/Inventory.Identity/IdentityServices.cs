using Inventory.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers who may call.</summary>
public static class IdentityServices
{
    /// <summary>
    /// Adds <see cref="ApiKeyRing"/> over the section <c>ApiKeys</c>. A service whose keys make no sense does not
    /// start, nor one that has none outside of Development.
    /// </summary>
    public static IServiceCollection AddApiKeys(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<ApiKeyOptions>, ApiKeyRules>();
        services.AddOptions<ApiKeyOptions>()
            .Configure<IConfiguration, IHostEnvironment>(ApiKeyOptions.Read)
            .ValidateOnStart();
        return services.AddSingleton<ApiKeyRing>();
    }
}
