using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The one way in which settings are registered.</summary>
public static class ValidatedOptions
{
    /// <summary>
    /// Binds a section of the configuration to options. A service with a value out of range, or with a key that no
    /// option has, does not start: its message names the setting.
    /// </summary>
    /// <typeparam name="TOptions">The options, with their ranges as data annotations.</typeparam>
    /// <param name="services">The service's.</param>
    /// <param name="section">The section's name.</param>
    /// <returns>For rules over several settings.</returns>
    public static OptionsBuilder<TOptions> AddValidatedOptions<TOptions>(
        this IServiceCollection services, string section)
        where TOptions : class => services.AddOptions<TOptions>()
            .BindConfiguration(section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
}
