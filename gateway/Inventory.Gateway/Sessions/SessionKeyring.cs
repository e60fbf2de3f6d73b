using Inventory.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Inventory.Gateway.Sessions;

/// <summary>
/// Loads the keys from Redis before the first request needs them, and keeps the copy current. Until the first load
/// succeeds, there are no sessions.
/// </summary>
internal sealed partial class SessionKeyring(
    SessionKeys keys, IDataProtectionProvider protection, TimeProvider time, ILogger<SessionKeyring> log)
    : BackgroundService
{
    /// <summary>While no keys are known, because Redis was unavailable at the start.</summary>
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(500);

    /// <summary>New keys are made days before use; a Redis that has lost its data gets the keys in this time.</summary>
    private static readonly TimeSpan BetweenExchanges = TimeSpan.FromMinutes(1);

    private readonly IDataProtector protector = protection.CreateProtector("session", "v1");
    private volatile bool isReady;

    /// <summary>Signs and reads cookies; null while the keys are not known.</summary>
    public IDataProtector? Protector => isReady ? protector : null;

    /// <summary>Loads the keys before the gateway reports ready, unless Redis is unavailable.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryExchangeAsync();
        if (!isReady) NoKeys(log);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wasReady = isReady;
            await Task.Delay(wasReady ? BetweenExchanges : BetweenAttempts, time, stoppingToken);
            await TryExchangeAsync();
            if (isReady && !wasReady) KeysKnown(log);
        }
    }

    private async Task TryExchangeAsync()
    {
        try
        {
            await keys.ExchangeAsync();
            // Makes the first key, if there is none yet.
            if (!isReady) protector.Protect([]);
            isReady = true;
        }
        catch (Exception e) when (StoreException.In(e) is not null)
        {
            // The next round retries. Known keys stay in use; the limiter's circuit logs that Redis is unavailable.
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Redis is unavailable, and so are the cookie keys: no session is known or begins.")]
    private static partial void NoKeys(ILogger log);

    [LoggerMessage(2, LogLevel.Information, "The cookie keys are known now: sessions can begin.")]
    private static partial void KeysKnown(ILogger log);
}
