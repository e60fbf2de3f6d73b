using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Inventory.Gateway.Tests;

/// <summary>A challenge as a browser receives and solves it.</summary>
internal sealed record Puzzle(string Algorithm, string Challenge, long Maxnumber, string Salt, string Signature)
{
    public static Puzzle Of(JsonElement json) => json.Deserialize<Puzzle>(JsonSerializerOptions.Web)!;

    public static async Task<Puzzle> OfAsync(HttpResponseMessage refusal) =>
        Of(JsonDocument.Parse(await refusal.Content.ReadAsStringAsync()).RootElement.GetProperty("challenge"));

    /// <summary>The solution, found by trying one number after the other.</summary>
    public long Number()
    {
        for (var number = 0L; number <= Maxnumber; number++)
        {
            var text = Salt + number.ToString(CultureInfo.InvariantCulture);
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            if (hash == Challenge) return number;
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
