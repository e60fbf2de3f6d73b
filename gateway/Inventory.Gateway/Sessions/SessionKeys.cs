using System.Collections.Concurrent;
using System.Xml.Linq;
using Inventory.Contracts;
using Inventory.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Inventory.Gateway.Sessions;

/// <summary>
/// The keys that all gateways sign cookies with: a hash in Redis, and a copy in memory. Requests read only the copy,
/// which <see cref="SessionKeyring"/> keeps current.
/// </summary>
/// <remarks>
/// Without <see cref="ShopperSessionOptions.Certificates"/> the keys are as secret as Redis' password; an attacker that
/// reads them can sign sessions, and no more.
/// </remarks>
internal sealed class SessionKeys(IConnectionMultiplexer redis) : IXmlRepository
{
    private static readonly RedisKey Name = $"{GatewayKeys.Tag}:cookie-keys";

    private readonly ConcurrentDictionary<string, string> copy = new();

    public IReadOnlyCollection<XElement> GetAllElements() => [.. copy.Values.Select(text => XElement.Parse(text))];

    /// <summary>
    /// Stores a new key. When gateways start together on an empty Redis, the first stored key wins, and the other
    /// gateways adopt it in place of theirs.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName)
    {
        var text = element.ToString(SaveOptions.DisableFormatting);
        var database = redis.GetDatabase();
        if (copy.IsEmpty)
        {
            var first = database.CreateTransaction();
            first.AddCondition(Condition.KeyNotExists(Name));
            _ = first.HashSetAsync(Name, friendlyName, text);
            if (RedisCalls.Run(() => first.Execute())) copy[friendlyName] = text;
            else Take(RedisCalls.Run(() => database.HashGetAll(Name)));
            return;
        }

        RedisCalls.Run(() => database.HashSet(Name, friendlyName, text));
        copy[friendlyName] = text;
    }

    /// <summary>
    /// Adopts keys that other gateways have added, and stores the keys again in a Redis that has lost its data, so that
    /// no shopper loses a session.
    /// </summary>
    public async Task ExchangeAsync()
    {
        var database = redis.GetDatabase();
        var stored = await database.HashGetAllAsync(Name).OrFailedAsync();
        var lost = copy.Keys.Except(stored.Select(field => field.Name.ToString())).ToList();
        Take(stored);
        foreach (var name in lost) await database.HashSetAsync(Name, name, copy[name]).OrFailedAsync();
    }

    private void Take(HashEntry[] stored)
    {
        foreach (var field in stored) copy[field.Name.ToString()] = field.Value!;
    }
}
