using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>The payment provider: sends signed events to the gateway, as Standard Webhooks describe.</summary>
public sealed class Provider(Stack stack)
{
    // The secret of a Development run.
    private const string Secret = "b25seS1mb3ItbG9jYWwtZGVtb25zdHJhdGlvbnMtMDE=";

    /// <summary>Sends an approved payment, and repeats the event until it is settled.</summary>
    /// <returns>The answer after the settlement.</returns>
    public async Task<JsonNode> PayAsync(Guid reservation, string payment, string? eventId = null)
    {
        eventId ??= $"evt_{Guid.NewGuid():N}";
        // 202 Accepted has no outcome yet; a repeated event returns it later.
        var (_, answer) = await Eventually.GetAsync(
            () => SendAsync(reservation, payment, eventId), sent => sent.Status != HttpStatusCode.Accepted);
        return answer;
    }

    /// <summary>Sends one attempt.</summary>
    /// <param name="reservation">The reservation that is paid for.</param>
    /// <param name="payment">The provider's name of the payment.</param>
    /// <param name="eventId">The provider's name of the event.</param>
    /// <param name="age">The age that the attempt's timestamp claims.</param>
    /// <param name="secret">The signing secret in base64; the right one by default.</param>
    public async Task<(HttpStatusCode Status, JsonNode Answer)> SendAsync(
        Guid reservation, string payment, string eventId, TimeSpan age = default, string secret = Secret)
    {
        var body = JsonSerializer.Serialize(new
        {
            type = "payment.approved",
            data = new { reservationId = reservation, paymentId = payment, amount = 1990, currency = "EUR" },
        });
        using var request = SignedWebhook.Request(Convert.FromBase64String(secret), eventId, body, age);
        using var response = await stack.Gateway.SendAsync(request);
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>())!);
    }
}
