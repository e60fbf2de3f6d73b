using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Inventory.Gateway.BotGuard;

/// <summary>Registers the bot guard.</summary>
internal static class GuardServices
{
    /// <summary>Reads the guard's settings; refuses to start when one is out of range or unknown.</summary>
    public static void AddBotGuard(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<GuardOptions>(GuardOptions.Section);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<GuardMemory>();
        builder.Services.AddSingleton<GuardMetrics>();
        builder.Services.AddSingleton<TakenUnits>();
        builder.Services.AddSingleton<UnitsTaken>();
        builder.Services.AddSingleton<ChallengeKeys>();
        builder.Services.AddSingleton<ProofOfWork>();
        builder.Services.AddSingleton<ChallengeAttempts>();
        builder.Services.AddHostedService<GuardWatch>();
    }
}
