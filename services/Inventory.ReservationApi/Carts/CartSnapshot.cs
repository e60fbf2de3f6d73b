using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Availability;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Carts;

/// <summary>GET /snapshot/{sku}: one SKU's stock, in the cart interface's spelling.</summary>
public static class CartSnapshot
{
    /// <summary>One SKU's stock.</summary>
    public sealed record Response
    {
        internal Response(StockSnapshot stock)
        {
            (Sku, Total, Reserved, Available) = (stock.Sku, stock.Total, stock.Reserved, stock.Available);
            (Holds, Version, MaxPerCustomer, Paused) = (stock.Holds, stock.Version, stock.MaxPerCustomer, stock.Paused);
            At = stock.At.UtcDateTime;
        }

        /// <summary>The SKU.</summary>
        /// <example>sku-123</example>
        [JsonPropertyName("sku")] public string Sku { get; }

        /// <summary>Units owned and not sold.</summary>
        [JsonPropertyName("total")] public int Total { get; }

        /// <summary>Units in active holds.</summary>
        [JsonPropertyName("reserved")] public int Reserved { get; }

        /// <summary>Units that can be held now, never below 0.</summary>
        [JsonPropertyName("available")] public int Available { get; }

        /// <summary>Active holds.</summary>
        [JsonPropertyName("holds")] public int Holds { get; }

        /// <summary>The version of the total: it rises with every change of it.</summary>
        [JsonPropertyName("version")] public long Version { get; }

        /// <summary>Units one customer may have; absent without a limit.</summary>
        [JsonPropertyName("max_per_customer")] public int? MaxPerCustomer { get; }

        /// <summary>Whether sale is paused.</summary>
        [JsonPropertyName("paused")] public bool Paused { get; }

        /// <summary>When it was read, UTC.</summary>
        [JsonPropertyName("at")] public DateTime At { get; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/snapshot/{sku}", Handle)
        .WithName(nameof(CartSnapshot))
        .WithTags("Carts")
        .ForEveryone("Stock levels are public.")
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read one SKU's stock")
        .WithDescription("What GET /api/stock/{sku} says, in snake_case.")
        .Answers<Response>(StatusCodes.Status200OK, "The stock.")
        .Refuses(Problem.UnknownSku);

    internal static async Task<IResult> Handle(string sku, LevelStore levels, StockCircuit circuit)
    {
        var (stock, refusal) = await ShowStock.ReadAsync(sku, levels, circuit);
        return refusal as IResult
            ?? JsonAnswer.Of(StatusCodes.Status200OK, new Response(stock!), ApiJson.Default.CartSnapshotResponse);
    }
}
