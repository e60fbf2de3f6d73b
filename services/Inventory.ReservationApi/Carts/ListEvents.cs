using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Carts;

/// <summary>GET /events: what happened to stock and holds lately, newest first.</summary>
public static class ListEvents
{
    private const int DefaultLimit = 100;

    // An answer of this many events has some 300 KB.
    private const int MaxLimit = 1000;

    /// <summary>A page of events.</summary>
    /// <param name="Events">Newest first.</param>
    /// <param name="NextBefore">The value of before for the next page; absent on the last page.</param>
    public sealed record Response(
        [property: JsonPropertyName("events")] IReadOnlyList<Event> Events,
        [property: JsonPropertyName("next_before")] string? NextBefore);

    /// <summary>One event.</summary>
    public sealed record Event
    {
        internal Event(StockEvent source)
        {
            (Id, Type, At, Sequence) = (source.Id, source.Type, source.At.UtcDateTime, source.Sequence);
            ReservationId = source.ReservationId;
            if (source.Holder is { } holder) (CustomerId, CartId) = holder.Names();
            ExpiresAt = source.ExpiresAt?.UtcDateTime;
            Items = [.. source.Lines.Select(line => new EventItem(line.Sku, line.Quantity))];
        }

        /// <summary>Its place in the stream, ascending.</summary>
        /// <example>1795236000000-0</example>
        [JsonPropertyName("id")] public string Id { get; }

        /// <summary>
        /// reserved, adjusted, extended, released, expired, unpinned (a confirm was given up), confirmed, revived (an
        /// expired hold, for a late payment), or stock-set.
        /// </summary>
        /// <example>reserved</example>
        [JsonPropertyName("type")] public string Type { get; }

        /// <summary>When it happened, UTC.</summary>
        [JsonPropertyName("at")] public DateTime At { get; }

        /// <summary>The reservation; absent for events about stock.</summary>
        [JsonPropertyName("reservation_id")] public Guid? ReservationId { get; }

        /// <summary>1, 2, 3 … within a reservation; 0 for events about stock.</summary>
        [JsonPropertyName("sequence")] public int Sequence { get; }

        /// <summary>The cart that holds it, if one does.</summary>
        [JsonPropertyName("cart_id")] public string? CartId { get; }

        /// <summary>The customer who holds it, if one does.</summary>
        [JsonPropertyName("customer_id")] public string? CustomerId { get; }

        /// <summary>The reservation's deadline after the event, UTC; absent for events about stock.</summary>
        [JsonPropertyName("expires_at")] public DateTime? ExpiresAt { get; }

        /// <summary>The reservation's lines after the event, or the SKU with its new total.</summary>
        [JsonPropertyName("items")] public IReadOnlyList<EventItem> Items { get; }
    }

    /// <summary>One SKU of an event.</summary>
    /// <param name="Sku">The SKU.</param>
    /// <param name="Quantity">Units.</param>
    public sealed record EventItem(
        [property: JsonPropertyName("sku")] string Sku, [property: JsonPropertyName("qty")] int Quantity);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/events", Handle)
        .WithName(nameof(ListEvents))
        .WithTags("Carts")
        .OnlyFor(Scopes.Reserve)
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read the latest events")
        .WithDescription("What happened to stock and holds, newest first. limit is 1 to 1000, and 100 when absent; "
            + "before is an event's id, or next_before of the previous page. Old events are removed after some time.")
        .TakesQuery("limit", DefaultLimit, 1, MaxLimit)
        .Answers<Response>(StatusCodes.Status200OK, "The events.")
        .Refuses();

    internal static async Task<IResult> Handle(
        HttpContext http, string? before, EventStream events, StockCircuit circuit)
    {
        var errors = new FieldErrors();
        var limit = (int)IncomingQuery.ReadNumber(http, "limit", DefaultLimit, MaxLimit, ref errors);
        EventPlace end = default;
        if (before is not null && !EventPlace.TryParse(before, out end))
        {
            errors.Add(nameof(before), "must be given once, as an event's id or next_before of a page");
        }

        if (errors.ToRefusal() is { } invalid) return invalid;
        var page = await circuit.CallAsync(() => events.ReadEventsAsync(limit, before is null ? null : end));
        var response = new Response([.. page.Events.Select(found => new Event(found))], page.Next?.ToString());
        return JsonAnswer.Of(StatusCodes.Status200OK, response, ApiJson.Default.ListEventsResponse);
    }
}
