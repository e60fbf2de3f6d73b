using System.Globalization;
using Inventory.Contracts;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>What a budget belongs to.</summary>
internal enum IdentityKind
{
    Session,
    ApiKey,
    Address,
}

/// <summary>The known identities of a request's caller.</summary>
/// <param name="Subject">The session's subject, or null.</param>
/// <param name="ApiKey">The name of a recognized key, or null.</param>
/// <param name="Address">The network address, an IPv6 one by its first 56 bits.</param>
internal readonly record struct Identities(string? Subject, string? ApiKey, string Address)
{
    public string? Of(IdentityKind kind) => kind switch
    {
        IdentityKind.Session => Subject,
        IdentityKind.ApiKey => ApiKey,
        _ => Address,
    };
}

/// <summary>One budget, with the values that are derived from it.</summary>
internal sealed class Budget
{
    public Budget(string name, IdentityKind kind, RateBudget settings)
    {
        (Name, Kind, Permits, Window) = (name, kind, settings.Permits, settings.Window);
        RedisPermits = Permits;
        RedisWindow = (long)Window.TotalMilliseconds;
        KeyPrefix = $"{GatewayKeys.Tag}:{name}:";
        var seconds = Math.Max(1, (long)Math.Ceiling(Window.TotalSeconds));
        Announcement = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={Permits};w={seconds}");
    }

    public string Name { get; }

    public IdentityKind Kind { get; }

    public int Permits { get; }

    public TimeSpan Window { get; }

    public RedisValue RedisPermits { get; }

    public RedisValue RedisWindow { get; }

    /// <summary>Followed by an identity, it is the counter's key in Redis.</summary>
    public string KeyPrefix { get; }

    /// <summary>This budget in <c>RateLimit-Policy</c>.</summary>
    public string Announcement { get; }
}

/// <summary>The budgets that one request is charged to.</summary>
internal sealed class BudgetSet
{
    public BudgetSet(params Budget[] budgets)
    {
        Budgets = [.. budgets.Where(budget => budget.Permits > 0)];
        Header = string.Join(", ", Budgets.Select(budget => budget.Announcement));
    }

    public IReadOnlyList<Budget> Budgets { get; }

    /// <summary>The value of <c>RateLimit-Policy</c>.</summary>
    public string Header { get; }
}

/// <summary>A policy's budgets for each kind of caller.</summary>
internal sealed class CompiledPolicy
{
    public CompiledPolicy(string name, RatePolicy policy, RateBudget newSession)
    {
        var session = new Budget($"{name}-session", IdentityKind.Session, policy.Session);
        var address = new Budget($"{name}-address", IdentityKind.Address, policy.Address);
        Key = new BudgetSet(new Budget($"{name}-key", IdentityKind.ApiKey, policy.ApiKey));
        Anonymous = new BudgetSet(address);
        Shopper = new BudgetSet(session, address);
        NewShopper = new BudgetSet(session, address, new Budget("new-session", IdentityKind.Address, newSession));
    }

    public BudgetSet Key { get; }

    public BudgetSet Anonymous { get; }

    public BudgetSet Shopper { get; }

    public BudgetSet NewShopper { get; }
}

/// <summary>The policies of <see cref="RateLimitOptions"/> by name.</summary>
internal sealed class RatePolicies
{
    private readonly Dictionary<string, CompiledPolicy> named;

    public RatePolicies(IOptions<RateLimitOptions> options)
    {
        var limits = options.Value;
        var policies = new Dictionary<string, RatePolicy>
        {
            [nameof(limits.Reserve)] = limits.Reserve,
            [nameof(limits.Batch)] = limits.Batch,
            [nameof(limits.Change)] = limits.Change,
            [nameof(limits.Confirm)] = limits.Confirm,
            [nameof(limits.Read)] = limits.Read,
            [nameof(limits.Webhook)] = limits.Webhook,
            [nameof(limits.Administration)] = limits.Administration,
        };
        named = policies.ToDictionary(
            policy => policy.Key,
            policy => new CompiledPolicy(policy.Key.ToLowerInvariant(), policy.Value, limits.NewSession));
    }

    /// <summary>The policy of this name.</summary>
    /// <param name="name">A property of <see cref="RateLimitOptions"/>.</param>
    /// <param name="user">What has the policy, for the message.</param>
    /// <exception cref="InvalidOperationException">No policy has this name.</exception>
    public CompiledPolicy Named(string name, string user) => named.GetValueOrDefault(name)
        ?? throw new InvalidOperationException(
            $"{user} has the unknown RateLimit {name}; known are {string.Join(", ", named.Keys)}.");
}
