using System.Text.Json.Nodes;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Wire;

namespace Inventory.Fuzz.Making;

/// <summary>
/// Values of earlier answers, by name, for later calls. With them calls reach what only exists after other calls: a
/// reservation can be paid, and an order cancelled.
/// </summary>
internal sealed class Pool(Random random)
{
    /// <summary>Most values of a name. An older one is likely to have ended.</summary>
    private const int Kept = 24;

    private const int DeepestRead = 6;

    // Names of identifiers, as NameOf makes them.
    private static readonly HashSet<string> Kinds =
    [
        "reservationid", "orderid", "ticket", "id", "nextbefore", "nextafter",
    ];

    // Names that mean another thing in each operation.
    private static readonly HashSet<string> Local = ["id", "nextbefore", "nextafter"];

    private readonly Dictionary<string, List<string>> values = [];

    /// <summary>Adds a value, which then is the latest of its name.</summary>
    public void Add(string name, string value)
    {
        if (!values.TryGetValue(name, out var known)) values[name] = known = [];
        known.Remove(value);
        known.Add(value);
        if (known.Count > Kept) known.RemoveAt(0);
    }

    /// <summary>A value of a name, mostly one of the latest; null when there is none.</summary>
    public string? Take(string name)
    {
        if (!values.TryGetValue(name, out var known) || known.Count == 0) return null;
        var age = (int)(known.Count * Math.Pow(random.NextDouble(), 3));
        return known[known.Count - 1 - age];
    }

    /// <summary>Removes a value.</summary>
    public void Remove(string name, string value) => values.GetValueOrDefault(name)?.Remove(value);

    /// <summary>Keeps what an answer names.</summary>
    /// <param name="operation">The operation that answered; its name tells one <c>id</c> from another.</param>
    /// <param name="path">The path of the call, for its ETag.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="json">Its body.</param>
    public void Learn(Operation? operation, string path, Answer answer, JsonNode? json)
    {
        Learn(operation?.Id ?? "", json, depth: 0);
        if (answer.Header("ETag") is { } tag) Add($"etag {path}", tag);
        foreach (var line in answer.Headers)
        {
            if (line.Name == "Set-Cookie") Add("cookie", line.Value.Split(';')[0]);
        }
    }

    private void Learn(string operation, JsonNode? json, int depth)
    {
        if (depth > DeepestRead) return;
        if (json is JsonArray array)
        {
            foreach (var item in array.Take(Kept)) Learn(operation, item, depth + 1);
        }

        if (json is not JsonObject members) return;
        foreach (var (name, value) in members)
        {
            if (value is not JsonValue found)
            {
                Learn(operation, value, depth + 1);
                continue;
            }

            var kind = NameOf(name);
            if (Kinds.Contains(kind)) Add(Local.Contains(kind) ? $"{operation} {kind}" : kind, found.ToString());
        }
    }

    /// <summary>A name without its spelling: <c>reservation_id</c> and <c>reservationId</c> are one.</summary>
    public static string NameOf(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
}
