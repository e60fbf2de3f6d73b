using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Inventory.Testing;

/// <summary>A challenge as a browser receives and solves it.</summary>
public sealed record Puzzle(string Algorithm, string Challenge, long Maxnumber, string Salt, string Signature)
{
    public static Puzzle Of(string json) => JsonSerializer.Deserialize<Puzzle>(json, JsonSerializerOptions.Web)!;

    /// <summary>The challenge of a refused request.</summary>
    public static async Task<Puzzle> OfAsync(HttpResponseMessage refusal) =>
        Of(JsonNode.Parse(await refusal.Content.ReadAsStringAsync())!["challenge"]!.ToJsonString());

    /// <summary>The hash that a number has with this salt.</summary>
    public static string Hash(string salt, long number) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(salt + number.ToString(CultureInfo.InvariantCulture))));

    /// <summary>The solution, found by trying one number after the other.</summary>
    public long Number()
    {
        for (var number = 0L; number <= Maxnumber; number++)
        {
            if (Hash(Salt, number) == Challenge) return number;
        }

        throw new InvalidOperationException("No number up to maxnumber solves it.");
    }

    /// <summary>The value that the widget puts into its form field.</summary>
    public string Solve() => Payload(Number());

    /// <summary>The value of the form field with another number.</summary>
    public string Payload(JsonNode? number) => Convert.ToBase64String(Encoding.UTF8.GetBytes(new JsonObject
    {
        ["algorithm"] = Algorithm,
        ["challenge"] = Challenge,
        ["number"] = number,
        ["salt"] = Salt,
        ["signature"] = Signature,
        ["took"] = 17,
    }.ToJsonString()));
}
