using System.Diagnostics;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Availability;

/// <summary>GET /api/stock/{sku}: what can be sold of one SKU at this moment.</summary>
public static class ShowStock
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
        public string Sku { get; }

        /// <summary>Units owned and not sold.</summary>
        public int Total { get; }

        /// <summary>Units in active holds.</summary>
        public int Reserved { get; }

        /// <summary>Units that can be held now, never below 0.</summary>
        public int Available { get; }

        /// <summary>Active holds.</summary>
        public int Holds { get; }

        /// <summary>The version of the total: it rises with every change of it.</summary>
        public long Version { get; }

        /// <summary>Units one customer may have; absent without a limit.</summary>
        public int? MaxPerCustomer { get; }

        /// <summary>Whether sale is paused.</summary>
        public bool Paused { get; }

        /// <summary>When it was read, UTC.</summary>
        public DateTime At { get; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/stock/{sku}", Handle)
        .WithName(nameof(ShowStock))
        .WithTags("Stock")
        .ForEveryone("Stock levels are public.")
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read one SKU's stock")
        .WithDescription("Exact at the moment of reading: holds that are due expire first.")
        .Answers<Response>(StatusCodes.Status200OK, "The stock.")
        .Refuses(Problem.UnknownSku);

    internal static async Task<IResult> Handle(string sku, LevelStore levels, StockCircuit circuit)
    {
        var (stock, refusal) = await ReadAsync(sku, levels, circuit);
        return refusal as IResult
            ?? JsonAnswer.Of(StatusCodes.Status200OK, new Response(stock!), ApiJson.Default.ShowStockResponse);
    }

    /// <summary>The snapshot, or why there is none.</summary>
    internal static async Task<(StockSnapshot? Stock, Refusal? Refusal)> ReadAsync(
        string sku, LevelStore levels, StockCircuit circuit)
    {
        if (!Names.IsSku(sku)) return (null, Refusal.Invalid("sku", $"must be {Names.SkuRule}"));
        var snapshot = await circuit.CallAsync(() => levels.SnapshotAsync(sku));
        return snapshot.Outcome switch
        {
            SnapshotOutcome.Found => (snapshot, null),
            SnapshotOutcome.UnknownSku => (null, Refusal.UnknownSku(sku)),
            SnapshotOutcome.Fenced => (null, Refusal.Fenced()),
            _ => throw new UnreachableException($"Redis answered {snapshot.Outcome}, which no caller should see."),
        };
    }
}
