using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers service discovery.</summary>
public static class ServiceDiscoveryServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="ServiceEndpointResolver"/> that reads the host's configuration.</summary>
    /// <returns>The same collection.</returns>
    public static IServiceCollection AddServiceDiscovery(this IServiceCollection services)
    {
        services.TryAddSingleton(provider =>
            new ServiceEndpointResolver(provider.GetRequiredService<IConfiguration>()));
        return services;
    }
}
