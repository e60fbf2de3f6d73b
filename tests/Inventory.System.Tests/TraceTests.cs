using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Identity;
using Inventory.System.Tests.Telemetry;

namespace Inventory.System.Tests;

/// <summary>A request's trace covers both stores and continues with its events.</summary>
[Collection(nameof(Stack))]
public sealed class TraceTests(Stack stack)
{
    private const string Server = "Microsoft.AspNetCore";

    [Fact]
    public async Task One_trace_id_leads_from_a_request_through_its_event_to_its_row()
    {
        var sku = await stack.SkuAsync(10);
        var trace = ActivityTraceId.CreateRandom().ToHexString();

        using var held = await SendAsync(
            trace, "/api/reservations", new { productId = sku, userId = "traced", quantity = 2 });

        Assert.Equal(HttpStatusCode.Created, held.StatusCode);
        var id = (string)(await held.Content.ReadFromJsonAsync<JsonNode>())!["reservationId"]!;
        var spans = await stack.Telemetry.TraceAsync(
            trace, spans => spans.Any(IsRedis) && spans.Count(span => span.Source == Server) == 2);
        var handled = spans.Single(span => span is { Service: "reservation-api", Source: Server });
        Assert.Equal("POST /api/reservations", handled.Name);
        Assert.Equal("gateway", spans.Single(span => span.Id == handled.ParentId).Service);
        Assert.All(spans.Where(IsRedis), span => Assert.Equal(handled.Id, span.ParentId));
        // The event, its row and the span of the batch that stored it name the trace.
        var stored = await stack.Telemetry.LinkedAsync(trace, spans => spans.Count == 1);
        Assert.Equal(("materializer", "materialize"), (stored[0].Service, stored[0].Name));
        Assert.Contains((trace, handled.Id), stored[0].Links);
        Assert.Equal($"00-{trace}-{handled.Id}-01", await stack.ReadAsync<string>(
            $"SELECT trace FROM reservation_events WHERE reservation_id = '{id}'"));
        var rows = await stack.Telemetry.TraceAsync(stored[0].TraceId, spans => spans.Count >= 3);
        Assert.Contains("INSERT reservation_events", rows.Select(span => span.Name));
    }

    [Fact]
    public async Task The_trace_of_a_confirm_has_the_transaction_of_its_order()
    {
        var sku = await stack.SkuAsync(10);
        using var held = await stack.PostAsync(
            "/api/reservations", new { productId = sku, userId = "traced", quantity = 2 });
        var id = (string)(await held.Content.ReadFromJsonAsync<JsonNode>())!["reservationId"]!;
        var trace = ActivityTraceId.CreateRandom().ToHexString();

        using var confirmed = await SendAsync(trace, $"/api/reservations/{id}/confirm");

        Assert.Equal(HttpStatusCode.NoContent, confirmed.StatusCode);
        var spans = await stack.Telemetry.TraceAsync(
            trace, spans => spans.Any(IsRedis) && spans.Count(span => span.Source == Server) == 2);
        var handled = spans.Single(span => span is { Service: "reservation-api", Source: Server });
        var order = spans.Single(span => span.Name == "confirm orders");
        Assert.Equal(handled.Id, order.ParentId);
        Assert.Contains("INSERT orders", spans.Where(span => span.ParentId == order.Id).Select(span => span.Name));
    }

    /// <summary>Whether a span is a Redis command of the API; the gateway has its own for rates and sessions.</summary>
    private static bool IsRedis(Span span) => span is
    {
        Service: "reservation-api", Source: "OpenTelemetry.Instrumentation.StackExchangeRedis",
    };

    private async Task<HttpResponseMessage> SendAsync(string trace, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = body is null ? null : JsonContent.Create(body),
        };
        // The gateway continues the trace of a caller with a key.
        request.Headers.Add("X-Api-Key", DemoKeys.Backend);
        request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom().ToHexString()}-01");
        return await stack.Gateway.SendAsync(request);
    }
}
