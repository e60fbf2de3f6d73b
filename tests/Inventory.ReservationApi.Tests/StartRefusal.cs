using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Tests;

/// <summary>Records the exception of the settings check at start.</summary>
internal sealed class StartRefusal(IStartupValidator check, Action<Exception> refused) : IStartupValidator
{
    /// <summary>Wraps the registered check.</summary>
    public static void Record(IServiceCollection services, Action<Exception> refused)
    {
        var check = services.Last(service => service.ServiceType == typeof(IStartupValidator));
        services.Remove(check);
        services.AddTransient<IStartupValidator>(provider => new StartRefusal(
            (IStartupValidator)ActivatorUtilities.CreateInstance(provider, check.ImplementationType!), refused));
    }

    public void Validate()
    {
        try
        {
            check.Validate();
        }
        catch (Exception e)
        {
            refused(e);
            throw;
        }
    }
}
