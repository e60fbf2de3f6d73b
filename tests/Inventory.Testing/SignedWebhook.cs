using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Inventory.Testing;

/// <summary>Events as a payment provider sends them, signed as Standard Webhooks describe.</summary>
public static class SignedWebhook
{
    /// <summary>The prefix of a secret.</summary>
    public const string Prefix = "whsec_";

    /// <summary>A request with one event.</summary>
    /// <param name="key">The key of the secret.</param>
    /// <param name="id">The provider's name of the event.</param>
    /// <param name="body">The event.</param>
    /// <param name="age">The age that the attempt's timestamp claims.</param>
    public static HttpRequestMessage Request(byte[] key, string id, string body, TimeSpan age = default)
    {
        var at = (TimeProvider.System.GetUtcNow() - age).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return Request(body, id, at, Sign(key, id, at, body));
    }

    /// <summary>A request with the given headers; those that are null are left out.</summary>
    public static HttpRequestMessage Request(string body, string? id, string? timestamp, string? signature)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments/webhook")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (id is not null) request.Headers.TryAddWithoutValidation("webhook-id", id);
        if (timestamp is not null) request.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp);
        if (signature is not null) request.Headers.TryAddWithoutValidation("webhook-signature", signature);
        return request;
    }

    /// <summary>The signature of an event.</summary>
    public static string Sign(byte[] key, string id, string timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}")));
}
