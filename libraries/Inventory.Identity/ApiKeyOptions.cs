using System.Buffers;
using System.Security.Cryptography;
using Inventory.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Inventory.Identity;

/// <summary>
/// One accepted key. To replace a key, an operator adds the new one and removes the old one when no client uses it any
/// more.
/// </summary>
public sealed class ApiKeySetting
{
    /// <summary>
    /// The caller's name, 1 to 64 letters, digits or . _ -. It appears in logs and as the owner of idempotency keys.
    /// </summary>
    public string Name { get; init; } = "";

    /// <summary>SHA-256 of the key's text, in hex. The key itself has 256 random bits, so no salt is needed.</summary>
    public string Hash { get; init; } = "";

    /// <summary>The key's scopes: reserve, confirm, admin.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];
}

/// <summary>All accepted keys. Section <c>ApiKeys</c>, a list.</summary>
public sealed class ApiKeyOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "ApiKeys";

    /// <summary>The keys.</summary>
    public IReadOnlyList<ApiKeySetting> Keys { get; private set; } = [];

    internal static void Read(ApiKeyOptions options, IConfiguration configuration, IHostEnvironment environment)
    {
        var keys = configuration.GetSection(Section)
            .Get<List<ApiKeySetting>>(bind => bind.ErrorOnUnknownConfiguration = true) ?? [];
        options.Keys = keys.Count == 0 && environment.IsDevelopment() ? DemoKeys.Settings : keys;
    }
}

/// <summary>
/// Stops a service at start if its keys are misconfigured: a key that no client can use, or that every client can use.
/// </summary>
internal sealed class ApiKeyRules(IHostEnvironment environment) : IValidateOptions<ApiKeyOptions>
{
    // Every request's key is compared with all of them.
    private const int MaxKeys = 200;
    private const int MaxNameLength = 64;

    private static readonly SearchValues<char> NameAlphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    public ValidateOptionsResult Validate(string? name, ApiKeyOptions options)
    {
        var errors = Check(options.Keys).ToList();
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private IEnumerable<string> Check(IReadOnlyList<ApiKeySetting> keys)
    {
        if (keys.Count == 0)
        {
            yield return $"ApiKeys is empty, and {environment.EnvironmentName} has no demo keys: set ApiKeys:0:Name, "
                + "ApiKeys:0:Hash (SHA-256 of the key in hex) and ApiKeys:0:Scopes:0.";
        }

        if (keys.Count > MaxKeys) yield return $"ApiKeys has {keys.Count} keys; at most {MaxKeys} are allowed.";
        foreach (var error in keys.SelectMany(Check)) yield return error;
        foreach (var same in keys.GroupBy(key => key.Name, StringComparer.OrdinalIgnoreCase))
        {
            if (same.Count() > 1) yield return $"ApiKeys has the Name {same.Key} {same.Count()} times.";
        }

        foreach (var same in keys.GroupBy(key => key.Hash, StringComparer.OrdinalIgnoreCase))
        {
            if (same.Count() < 2) continue;
            yield return $"ApiKeys has one Hash for {string.Join(" and ", same.Select(key => key.Name))}.";
        }
    }

    private IEnumerable<string> Check(ApiKeySetting key, int place)
    {
        var which = $"ApiKeys:{place}";
        var named = key.Name.Length is > 0 and <= MaxNameLength && !key.Name.AsSpan().ContainsAnyExcept(NameAlphabet);
        if (!named) yield return $"{which}:Name must have 1 to {MaxNameLength} letters, digits or . _ -";
        var hashed = key.Hash.Length == 2 * SHA256.HashSizeInBytes && key.Hash.All(char.IsAsciiHexDigit);
        if (!hashed) yield return $"{which}:Hash must be the key's SHA-256 in 64 hex digits, and not the key itself.";
        if (key.Scopes.Count == 0) yield return $"{which}:Scopes must name one or more of {ScopeNames.Known}.";
        foreach (var scope in key.Scopes.Where(scope => ScopeNames.Parse(scope) == Scopes.None))
        {
            yield return $"{which}:Scopes names {scope}; known are {ScopeNames.Known}.";
        }

        if (environment.IsDevelopment() || !DemoKeys.Settings.Any(demo => IsSame(demo.Hash, key.Hash))) yield break;
        yield return $"{which}:Hash is that of a demo key, which is public.";
    }

    private static bool IsSame(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
