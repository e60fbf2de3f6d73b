using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Inventory.Gateway.Guarding;

/// <summary>Registers the guard against machines that buy.</summary>
internal static class GuardServices
{
    /// <summary>Reads the guard's settings; refuses to start when one is out of range or unknown.</summary>
    public static void AddBotGuard(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<GuardOptions>()
            .BindConfiguration(GuardOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<GuardMemory>();
        builder.Services.AddSingleton<GuardMetrics>();
        builder.Services.AddSingleton<TakenUnits>();
        builder.Services.AddSingleton<UnitsTaken>();
        builder.Services.AddSingleton<ChallengeKeys>();
        builder.Services.AddSingleton<ProofOfWork>();
        builder.Services.AddSingleton<GuardTurns>();
        builder.Services.AddHostedService<GuardWatch>();
    }
}
