using System.Collections.Frozen;
using System.Net;
using Inventory.Contracts;
using Inventory.Identity;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.HttpOverrides;

namespace Inventory.ReservationApi.Access;

/// <summary>
/// Authenticates callers. A key decides, where there is one: a wrong key is refused even where none is needed, because
/// a typo in it would otherwise go unnoticed.
/// </summary>
internal sealed class CallerAuthentication(KnownCallers callers) : IAuthenticationHandler
{
    private HttpContext http = null!;

    /// <inheritdoc/>
    public Task InitializeAsync(AuthenticationScheme scheme, HttpContext context)
    {
        http = context;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<AuthenticateResult> AuthenticateAsync() => callers.Recognize(http);

    /// <inheritdoc/>
    public Task ChallengeAsync(AuthenticationProperties? properties) => RefusedCallers.ChallengeAsync(http);

    /// <inheritdoc/>
    public Task ForbidAsync(AuthenticationProperties? properties) => RefusedCallers.ChallengeAsync(http);
}

/// <summary>Finds the caller by a request's headers and address.</summary>
internal sealed class KnownCallers
{
    private static readonly Task<AuthenticateResult> NoCaller = Task.FromResult(AuthenticateResult.NoResult());
    private static readonly Task<AuthenticateResult> WrongKey =
        Task.FromResult(AuthenticateResult.Fail("The key is not known."));
    private static readonly Task<AuthenticateResult> NoSubject =
        Task.FromResult(AuthenticateResult.Fail("The session's subject is malformed."));

    private readonly ApiKeyRing ring;
    private readonly Task<AuthenticateResult>? local;

    private readonly FrozenDictionary<string, Task<AuthenticateResult>> byKey;

    public KnownCallers(ApiKeyRing ring, IHostEnvironment environment)
    {
        this.ring = ring;
        byKey = ring.Keys.ToFrozenDictionary(key => key.Name, key => Success(Caller.WithKey(key)));
        if (environment.IsDevelopment()) local = Success(Caller.AtThisMachine());
    }

    internal Task<AuthenticateResult> Recognize(HttpContext http)
    {
        var headers = http.Request.Headers;
        if (headers.TryGetValue(InventoryHeaders.ApiKey, out var key))
        {
            return ring.Find(key) is { } found ? byKey[found.Name] : WrongKey;
        }

        if (headers.TryGetValue(InventoryHeaders.Shopper, out var subject))
        {
            return subject is [{ } text] && ShopperSubject.IsWellFormed(text)
                ? Success(Caller.WithSession(text))
                : NoSubject;
        }

        return local is not null && IsAtThisMachine(http) ? local : NoCaller;
    }

    /// <summary>Whether the caller and all proxies are on this machine.</summary>
    private static bool IsAtThisMachine(HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is not { } remote || !IPAddress.IsLoopback(remote)) return false;
        foreach (var line in http.Request.Headers[ForwardedHeadersDefaults.XForwardedForHeaderName])
        {
            foreach (var hop in line!.Split(','))
            {
                // The form of an IPv6 address in the header: "[::1]:1234", quotes included.
                var text = hop.AsSpan().Trim().Trim('"');
                if (!IPEndPoint.TryParse(text, out var address) || !IPAddress.IsLoopback(address.Address)) return false;
            }
        }

        return true;
    }

    private static Task<AuthenticateResult> Success(Caller caller) =>
        Task.FromResult(AuthenticateResult.Success(new(caller, AccessFeature.Scheme)));
}
