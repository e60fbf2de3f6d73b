using Inventory.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the API keys.</summary>
public static class IdentityServices
{
    /// <summary>
    /// Adds <see cref="ApiKeyRing"/> over the section <c>ApiKeys</c>. A service does not start with invalid keys, nor
    /// without keys outside of Development.
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
