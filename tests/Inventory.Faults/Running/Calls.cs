using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>Sends calls to the gateway, and records them and their answers.</summary>
/// <param name="http">A client of the gateway.</param>
/// <param name="recorder">Receives the calls.</param>
/// <param name="webhookKey">The key that signs webhooks.</param>
/// <param name="client">The number of the client.</param>
public sealed class Calls(HttpClient http, Recorder recorder, byte[] webhookKey, int client)
{
    /// <summary>Sends one call.</summary>
    /// <param name="asked">The call; the answer and the times are filled in.</param>
    /// <param name="ttl">Reserve: how long to hold. Extend: by how much.</param>
    public async Task<Operation> SendAsync(Operation asked, TimeSpan ttl = default)
    {
        ArgumentNullException.ThrowIfNull(asked);
        using var request = Describe(asked, (int)ttl.TotalSeconds);
        if (asked.Act is not (Act.Look or Act.Pay)) request.Headers.Add(InventoryHeaders.IdempotencyKey, asked.Key);
        var begun = asked with { Number = recorder.Begin(), Client = client, BegunMs = Clock.NowMs };
        var heard = begun;
        try
        {
            using var response = await http.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            heard = Understand(begun, response, body);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            // The connection broke, or the call timed out.
        }

        heard = heard with { EndedMs = Clock.NowMs };
        recorder.Add(heard);
        return heard;
    }

    /// <summary>Sends the webhook of a failed payment. It changes nothing and is not recorded.</summary>
    public async Task TellOfFailureAsync(Guid reservation, string payment)
    {
        using var request = Signed("payment.failed", reservation, payment, $"failed-{Guid.NewGuid():N}");
        try
        {
            using var response = await http.SendAsync(request);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            // A lost webhook makes no difference, since it changes nothing.
        }
    }

    /// <summary>Creates a call without sending it.</summary>
    public static Operation Ask(Act act, Guid reservation = default, string holder = "") => new()
    {
        Number = 0,
        Act = act,
        Reservation = reservation,
        Holder = holder,
        Key = $"{act}-{Guid.NewGuid():N}",
        BegunMs = 0,
        EndedMs = 0,
        Heard = Heard.Unknown,
    };

    private HttpRequestMessage Describe(Operation asked, int seconds)
    {
        var path = $"/api/reservations/{asked.Reservation}";
        return asked.Act switch
        {
            Act.Reserve => Post("/api/reservations", new
            {
                customerId = asked.Holder[2..],
                reservationId = asked.Reservation,
                items = asked.Lines.Select(line => new { sku = line.Sku, quantity = line.Quantity }),
                ttlSeconds = seconds,
            }),
            Act.Extend => Post($"{path}/extend", new { addSeconds = seconds }),
            Act.Release => new(HttpMethod.Delete, path),
            Act.Confirm => new(HttpMethod.Post, $"{path}/confirm"),
            Act.Pay => Signed("payment.approved", asked.Reservation, asked.Payment!, asked.Key!),
            Act.Look => new(HttpMethod.Get, path),
            Act.Restock => Post($"/api/products/{asked.Lines[0].Sku}/adjustments", new
            {
                quantity = asked.Lines[0].Quantity,
                reason = "received",
                reference = asked.Key,
            }),
            _ => throw new ArgumentOutOfRangeException(nameof(asked), asked.Act, "No request for this kind of call."),
        };
    }

    private static HttpRequestMessage Post(string path, object body) =>
        new(HttpMethod.Post, path) { Content = JsonContent.Create(body) };

    private HttpRequestMessage Signed(string type, Guid reservation, string payment, string eventId)
    {
        var data = $$"""{"reservationId":"{{reservation}}","paymentId":"{{payment}}"}""";
        return SignedWebhook.Request(webhookKey, eventId, $$"""{"type":"{{type}}","data":{{data}}}""");
    }

    private static Operation Understand(Operation asked, HttpResponseMessage response, string body)
    {
        var status = (int)response.StatusCode;
        var answer = Parse(body);
        var heard = status switch
        {
            // A ticket: the outcome is not known yet.
            202 when asked.Act == Act.Reserve => Heard.Unknown,
            < 300 => Heard.Done,
            408 or 429 or >= 500 => Heard.Unknown,
            _ => Heard.Refused,
        };
        var isDecided = heard == Heard.Done || status == 409;
        return asked with
        {
            Heard = heard,
            Status = status,
            Problem = Text(answer, "type")?.Split('/')[^1],
            State = Text(answer, asked.Act == Act.Pay ? "outcome" : "status"),
            DeadlineMs = DateTimeOffset.TryParse(
                Text(answer, "expiresAt"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at.ToUnixTimeMilliseconds()
                : null,
            Available = (answer?["available"] as JsonArray)?.OfType<JsonObject>().ToDictionary(
                line => (string)line["sku"]!, line => (int)line["available"]!),
            Named = Guid.TryParse(Text(answer, "reservationId"), out var named) ? named : null,
            Replayed = response.Headers.Contains(InventoryHeaders.IdempotentReplayed),
            Body = isDecided && asked.Act is Act.Reserve or Act.Extend or Act.Release ? body : null,
        };
    }

    private static JsonNode? Parse(string body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonNode? answer, string name) =>
        answer?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
