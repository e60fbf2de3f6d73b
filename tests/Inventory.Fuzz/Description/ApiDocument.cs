using System.Globalization;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Inventory.Fuzz.Description;

/// <summary>The product's own OpenAPI document, in the form in which answers are checked against it.</summary>
public sealed class ApiDocument
{
    private const string SchemaRoot = "https://inventory.invalid/openapi";
    private const string Components = "#/components/schemas/";

    private readonly JsonObject schemas;
    private readonly BuildOptions building = new() { SchemaRegistry = new() };

    private ApiDocument(JsonObject document)
    {
        schemas = (JsonObject?)document["components"]?["schemas"] ?? [];
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["$id"] = SchemaRoot,
            ["$defs"] = Checkable(schemas),
        };
        // Building registers it, and the schemas of answers refer to it.
        JsonSchema.FromText(root.ToJsonString(), building);
        Operations =
        [
            .. from path in (JsonObject)document["paths"]!
               from operation in (JsonObject)path.Value!
               select Read(path.Key, operation.Key, (JsonObject)operation.Value!),
        ];
    }

    /// <summary>All operations.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>Reads a document.</summary>
    public static ApiDocument Parse(string json) => new((JsonObject)JsonNode.Parse(json)!);

    /// <summary>The operation that a request reaches.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="path">Its path, without a query.</param>
    public Operation? Find(string method, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var segments = Segments(path);
        return Operations.Where(operation => operation.Method == method && Matches(operation.Path, segments))
            .OrderBy(operation => operation.Path.Count(letter => letter == '{')).FirstOrDefault();
    }

    /// <summary>The parts of a path as a server reads it: decoded, without dots and without a last slash.</summary>
    private static List<string> Segments(string path)
    {
        var segments = new List<string>();
        foreach (var part in path.Split('/').Skip(1).Select(Uri.UnescapeDataString))
        {
            if (part == ".." && segments.Count > 0) segments.RemoveAt(segments.Count - 1);
            else if (part is not ("." or "..")) segments.Add(part);
        }

        // A dot at the end leaves the slash before it.
        if (path.EndsWith("/.", StringComparison.Ordinal) || path.EndsWith("/..", StringComparison.Ordinal))
        {
            segments.Add("");
        }

        if (segments is [.., ""]) segments.RemoveAt(segments.Count - 1);
        return segments;
    }

    private static bool Matches(string template, List<string> segments)
    {
        var parts = template.Trim('/').Split('/');
        return parts.Length == segments.Count && parts.Zip(segments).All(pair => pair.First.StartsWith('{')
            ? pair.Second.Length > 0
            : pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    }

    private Operation Read(string path, string method, JsonObject described) => new()
    {
        Id = (string?)described["operationId"] ?? $"{method} {path}",
        Method = method.ToUpperInvariant(),
        Path = path,
        Parameters =
        [
            .. from parameter in (JsonArray?)described["parameters"] ?? []
               select new Parameter(
                   (string)parameter["in"]!, (string)parameter["name"]!,
                   (JsonObject?)Inline(parameter["schema"], depth: 0) ?? []),
        ],
        Body = (JsonObject?)Inline(described["requestBody"]?["content"]?["application/json"]?["schema"], depth: 0),
        Answers = ((JsonObject)described["responses"]!).ToDictionary(
            answer => int.Parse(answer.Key, NumberStyles.None, CultureInfo.InvariantCulture),
            answer => Read((JsonObject)answer.Value!)),
    };

    private DescribedAnswer Read(JsonObject described)
    {
        var content = (JsonObject?)described["content"] ?? [];
        return new(
            content.ToDictionary(
                media => media.Key,
                media => JsonSchema.FromText(
                    Checkable(media.Value!["schema"] ?? new JsonObject())!.ToJsonString(), building)),
            [
                .. from header in (JsonObject?)described["headers"] ?? []
                   where (bool?)header.Value!["required"] == true
                   select header.Key,
            ],
            content.SelectMany(media => (JsonObject?)media.Value!["examples"] ?? [])
                .Select(example => (string?)example.Value?["value"]?["type"])
                .OfType<string>().ToHashSet());
    }

    /// <summary>
    /// A copy that is stricter than the document: an object with named members has no others, and an integer is within
    /// its format. A member that the document doesn't name is one that its readers don't know.
    /// </summary>
    private static JsonNode? Checkable(JsonNode? node)
    {
        if (node is JsonArray array) return new JsonArray([.. array.Select(Checkable)]);
        if (node is not JsonObject described) return node?.DeepClone();
        var copy = new JsonObject();
        foreach (var (name, value) in described)
        {
            copy[name] = name is "example" or "examples" ? value?.DeepClone() : Checkable(value);
        }

        if (described["$ref"] is JsonValue reference && reference.TryGetValue<string>(out var to))
        {
            copy["$ref"] = to.Replace(Components, $"{SchemaRoot}#/$defs/", StringComparison.Ordinal);
        }

        // A member named type or properties is an object here, and not what these words mean in a schema.
        if (described["properties"] is JsonObject && described["type"] is JsonValue)
        {
            copy["additionalProperties"] ??= false;
        }

        if (described["format"] is JsonValue format && format.TryGetValue<string>(out var name32))
        {
            if (name32 == "int32") (copy["minimum"], copy["maximum"]) = (int.MinValue, int.MaxValue);
            if (name32 == "int64") (copy["minimum"], copy["maximum"]) = (long.MinValue, long.MaxValue);
        }

        return copy;
    }

    /// <summary>A copy with every reference replaced by what it refers to.</summary>
    private JsonNode? Inline(JsonNode? node, int depth)
    {
        if (depth > 20) return new JsonObject();
        if (node is JsonArray array) return new JsonArray([.. array.Select(item => Inline(item, depth + 1))]);
        if (node is not JsonObject described) return node?.DeepClone();
        if (described["$ref"] is JsonValue reference)
        {
            return Inline(schemas[reference.GetValue<string>()[Components.Length..]], depth + 1);
        }

        return new JsonObject(described.Select(
            member => KeyValuePair.Create(member.Key, Inline(member.Value, depth + 1))));
    }
}
