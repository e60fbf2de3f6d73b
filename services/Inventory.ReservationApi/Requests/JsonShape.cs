using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Inventory.Contracts;
using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi.Requests;

/// <summary>
/// Says in the client's words why a body was not accepted: the serializer stops at the first fault and speaks of .NET
/// types. Runs only after the serializer has refused, so it may be slow.
/// </summary>
internal static class JsonShape
{
    private const string NotUnicode = "The body holds text that is not valid Unicode.";

    /// <param name="body">The body that was refused.</param>
    /// <param name="expected">What it should look like.</param>
    /// <param name="refusal">What the serializer said.</param>
    internal static Refusal Explain(in ReadOnlySequence<byte> body, JsonTypeInfo expected, JsonException refusal)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var errors = new FieldErrors();
            Compare(document.RootElement, expected, "", ref errors);
            return errors.ToRefusal() ?? Refusal.Of(Problem.MalformedRequest, NotUnicode);
        }
        catch (JsonException)
        {
            return Refusal.Of(Problem.MalformedRequest, "The body is not JSON. Reading stopped in line "
                + $"{refusal.LineNumber + 1}, byte {refusal.BytePositionInLine + 1}.");
        }
        catch (InvalidOperationException)
        {
            // A name with half of a surrogate pair.
            return Refusal.Of(Problem.MalformedRequest, NotUnicode);
        }
    }

    private static void Compare(JsonElement value, JsonTypeInfo expected, string path, ref FieldErrors errors)
    {
        // Whether a value may be absent is a matter of its rules, which are checked once the shape is right.
        if (value.ValueKind == JsonValueKind.Null && path.Length > 0) return;
        switch (expected.Kind)
        {
            case JsonTypeInfoKind.Object when value.ValueKind == JsonValueKind.Object:
                CompareFields(value, expected, path, ref errors);
                break;
            case JsonTypeInfoKind.Enumerable when value.ValueKind == JsonValueKind.Array:
                var index = 0;
                var element = expected.Options.GetTypeInfo(expected.ElementType!);
                foreach (var item in value.EnumerateArray()) Compare(item, element, $"{path}[{index++}]", ref errors);
                break;
            default:
                if (WrongKind(value, expected) is { } rule) errors.Add(path.Length > 0 ? path : "body", rule);
                break;
        }
    }

    private static void CompareFields(JsonElement value, JsonTypeInfo expected, string path, ref FieldErrors errors)
    {
        var seen = new HashSet<string>();
        foreach (var field in value.EnumerateObject())
        {
            var name = field.Name;
            var fieldPath = path.Length > 0 ? $"{path}.{name}" : name;
            var known = expected.Properties.FirstOrDefault(property => property.Name == name);
            if (known is null)
            {
                var names = string.Join(", ", expected.Properties.Select(property => property.Name));
                errors.Add(fieldPath, $"is not a field here; known are {names}");
                continue;
            }
            if (!seen.Add(name)) errors.Add(fieldPath, "is given more than once");
            Compare(field.Value, expected.Options.GetTypeInfo(known.PropertyType), fieldPath, ref errors);
        }
    }

    private static string? WrongKind(JsonElement value, JsonTypeInfo expected)
    {
        var type = Nullable.GetUnderlyingType(expected.Type) ?? expected.Type;
        if (expected.Kind == JsonTypeInfoKind.Object) return "must be a JSON object";
        if (expected.Kind == JsonTypeInfoKind.Enumerable) return "must be a list";
        if (type == typeof(string)) return value.ValueKind == JsonValueKind.String ? null : "must be a string";
        if (type == typeof(Guid))
        {
            var fits = value.ValueKind == JsonValueKind.String && value.TryGetGuid(out _);
            return fits ? null : "must be a UUID such as 018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10";
        }
        if (type == typeof(int))
        {
            var fits = value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _);
            return fits ? null : "must be a whole number up to 2147483647, without quotes, fraction or exponent";
        }
        throw new NotSupportedException($"No rule is written for fields of type {type}.");
    }
}
