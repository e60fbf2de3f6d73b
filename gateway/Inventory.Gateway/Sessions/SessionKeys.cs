using System.Collections.Concurrent;
using System.Xml.Linq;
using Inventory.Gateway.Admission;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Inventory.Gateway.Sessions;

/// <summary>
/// The keys that cookies are signed with, the same for all gateways: a hash in Redis, and a copy in memory that is all
/// the requests ever look at. <see cref="SessionKeyring"/> sees to the copy.
/// </summary>
/// <remarks>
/// The keys are as secret as the password of the Redis they lie in; whoever reads them can sign sessions, and no more.
/// </remarks>
internal sealed class SessionKeys(IConnectionMultiplexer redis) : IXmlRepository
{
    private static readonly RedisKey Name = $"{RatePolicies.Tag}:cookie-keys";

    private readonly ConcurrentDictionary<string, string> _copy = new();

    public IReadOnlyCollection<XElement> GetAllElements() => [.. _copy.Values.Select(text => XElement.Parse(text))];

    /// <summary>
    /// Keeps a key that was just made. Of the gateways that start together on an empty Redis one makes the first
    /// key, and the others take that one in place of theirs.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName)
    {
        var text = element.ToString(SaveOptions.DisableFormatting);
        var database = redis.GetDatabase();
        if (_copy.IsEmpty)
        {
            var first = database.CreateTransaction();
            first.AddCondition(Condition.KeyNotExists(Name));
            _ = first.HashSetAsync(Name, friendlyName, text);
            if (first.Execute()) _copy[friendlyName] = text;
            else Take(database.HashGetAll(Name));
            return;
        }

        database.HashSet(Name, friendlyName, text);
        _copy[friendlyName] = text;
    }

    /// <summary>
    /// Takes over what other gateways have added, and gives a Redis that has lost its data the keys back, so that
    /// no shopper loses a session.
    /// </summary>
    public async Task ExchangeAsync()
    {
        var database = redis.GetDatabase();
        var stored = await database.HashGetAllAsync(Name);
        var lost = _copy.Keys.Except(stored.Select(field => field.Name.ToString())).ToList();
        Take(stored);
        foreach (var name in lost) await database.HashSetAsync(Name, name, _copy[name]);
    }

    private void Take(HashEntry[] stored)
    {
        foreach (var field in stored) _copy[field.Name.ToString()] = field.Value!;
    }
}
