using Inventory.Gateway.Admission;
using Microsoft.AspNetCore.DataProtection;

namespace Inventory.Gateway.Sessions;

/// <summary>
/// Brings the keys from Redis before the first request needs them, and keeps the copy fresh. Until that has happened
/// once, there are no sessions.
/// </summary>
internal sealed partial class SessionKeyring(
    SessionKeys keys, IDataProtectionProvider protection, TimeProvider time, ILogger<SessionKeyring> log)
    : BackgroundService
{
    /// <summary>While Redis was away at the start.</summary>
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(500);

    /// <summary>New keys are made days before they are used; this is how long a Redis without data stays so.</summary>
    private static readonly TimeSpan BetweenExchanges = TimeSpan.FromMinutes(1);

    private readonly IDataProtector _protector = protection.CreateProtector("session", "v1");
    private volatile bool _isReady;

    /// <summary>Signs and reads cookies; null while the keys are not known.</summary>
    public IDataProtector? Protector => _isReady ? _protector : null;

    /// <summary>The first attempt is part of the start: who is ready has keys, unless Redis is away.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryExchangeAsync();
        if (!_isReady) NoKeys(log);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wasReady = _isReady;
            await Task.Delay(wasReady ? BetweenExchanges : BetweenAttempts, time, stoppingToken);
            await TryExchangeAsync();
            if (_isReady && !wasReady) KeysKnown(log);
        }
    }

    private async Task TryExchangeAsync()
    {
        try
        {
            await keys.ExchangeAsync();
            // Makes the first key, if there is none yet.
            if (!_isReady) _protector.Protect([]);
            _isReady = true;
        }
        catch (Exception e) when (RedisOutage.Caused(e))
        {
            // The next round retries. What is known stays in use; the limiter's line says that Redis is away.
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Redis is away, and the keys of cookies with it: no session is known or begins.")]
    private static partial void NoKeys(ILogger log);

    [LoggerMessage(2, LogLevel.Information, "The keys of cookies are known now: sessions can begin.")]
    private static partial void KeysKnown(ILogger log);
}
