using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Inventory.System.Tests;

/// <summary>The payment provider: sends signed events to the gateway, as Standard Webhooks describe.</summary>
public sealed class Provider(Stack stack)
{
    // The secret of a Development run.
    private const string Secret = "b25seS1mb3ItbG9jYWwtZGVtb25zdHJhdGlvbnMtMDE=";

    /// <summary>An approved payment, told once.</summary>
    /// <returns>What came of it, once it is settled.</returns>
    public async Task<JsonNode> PayAsync(Guid reservation, string payment, string? eventId = null)
    {
        eventId ??= $"evt_{Guid.NewGuid():N}";
        while (true)
        {
            var (status, answer) = await SendAsync(reservation, payment, eventId);
            // Accepted is no outcome yet: whoever wants to know sends it again.
            if (status != HttpStatusCode.Accepted) return answer;
        }
    }

    /// <summary>Sends one attempt.</summary>
    /// <param name="reservation">What is paid.</param>
    /// <param name="payment">The provider's name of the payment.</param>
    /// <param name="eventId">The provider's name of the event.</param>
    /// <param name="age">How long ago the attempt claims to be made.</param>
    /// <param name="secret">What it is signed with, in base64; the right one by default.</param>
    public async Task<(HttpStatusCode Status, JsonNode Answer)> SendAsync(
        Guid reservation, string payment, string eventId, TimeSpan age = default, string secret = Secret)
    {
        var body = JsonSerializer.Serialize(new
        {
            type = "payment.approved",
            data = new { reservationId = reservation, paymentId = payment, amount = 1990, currency = "EUR" },
        });
        var at = (TimeProvider.System.GetUtcNow() - age).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(
            Convert.FromBase64String(secret), Encoding.UTF8.GetBytes($"{eventId}.{at}.{body}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments/webhook")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
            Headers =
            {
                { "webhook-id", eventId },
                { "webhook-timestamp", at },
                { "webhook-signature", $"v1,{Convert.ToBase64String(signature)}" },
            },
        };
        using var response = await stack.Gateway.SendAsync(request);
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>())!);
    }
}
