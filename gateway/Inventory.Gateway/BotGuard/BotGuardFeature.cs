namespace Inventory.Gateway.BotGuard;

/// <summary>Proof of work where machines buy: the guard, and its challenges.</summary>
internal static class BotGuardFeature
{
    public static void AddBotGuard(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<GuardOptions>(GuardOptions.Section).Validate(
            guard => guard.LargestNumber >= guard.MaxNumber,
            $"{GuardOptions.Section}:LargestNumber must not be below MaxNumber.");
        builder.Services.AddSingleton<GuardMemory>();
        builder.Services.AddSingleton<GuardMetrics>();
        builder.Services.AddSingleton<TakenUnits>();
        builder.Services.AddSingleton<UnitsTaken>();
        builder.Services.AddSingleton<ChallengeKeys>();
        builder.Services.AddSingleton<ProofOfWork>();
        builder.Services.AddSingleton<ChallengeAttempts>();
        builder.Services.AddHostedService<GuardWatch>();
    }

    public static void MapBotGuard(this IEndpointRouteBuilder routes) => ShowChallenge.Map(routes);
}
