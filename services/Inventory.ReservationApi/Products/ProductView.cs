using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>A product as administrators see it.</summary>
public sealed record ProductView
{
    // When Redis takes longer, a product is shown without its stock.
    private static readonly TimeSpan StockPatience = TimeSpan.FromMilliseconds(500);

    private ProductView(ProductState state, int? available)
    {
        (Sku, Name, MaxPerCustomer, Paused) = (state.Sku, state.Name, state.Limit, state.Paused);
        (Total, Available, Version) = (state.Total, available, state.Version);
    }

    /// <summary>The SKU.</summary>
    /// <example>sku-123</example>
    public string Sku { get; }

    /// <summary>What people call it.</summary>
    /// <example>Hydra Serum 30ml</example>
    public string Name { get; }

    /// <summary>Units one customer may have; absent without a limit.</summary>
    public int? MaxPerCustomer { get; }

    /// <summary>Whether sale is paused.</summary>
    public bool Paused { get; }

    /// <summary>Units owned and not sold, as the system of record has them.</summary>
    public int Total { get; }

    /// <summary>Units that can be held now; absent while the stock store can't answer.</summary>
    public int? Available { get; }

    /// <summary>The version of the total: it rises with every change of it.</summary>
    public long Version { get; }

    /// <summary>Changes whenever the product or its total does.</summary>
    internal static string ETag(ProductState state) => $"\"{state.Version}-{state.Revision}\"";

    /// <summary>Answers with a product, and the ETag that its next change needs.</summary>
    internal static async Task<IResult> AnswerAsync(
        HttpContext http, int status, ProductState state, LevelStore levels, StockCircuit circuit)
    {
        return Answer(http, status, state, await StockAsync(state.Sku, levels, circuit));
    }

    /// <summary>Answers with a product and its stock, where that is known.</summary>
    internal static IResult Answer(HttpContext http, int status, ProductState state, StockSnapshot? stock)
    {
        http.Response.Headers.ETag = ETag(state);
        return JsonAnswer.Of(status, new ProductView(state, stock?.Available), ApiJson.Default.ProductView);
    }

    /// <summary>A product's stock; null while the stock store can't answer.</summary>
    internal static async Task<StockSnapshot?> StockAsync(string sku, LevelStore levels, StockCircuit circuit)
    {
        if (!Names.IsSku(sku)) return null;
        try
        {
            var stock = await circuit.CallAsync(() => levels.SnapshotAsync(sku)).AsTask().WaitAsync(StockPatience);
            return stock.Outcome == SnapshotOutcome.Found ? stock : null;
        }
        catch (Exception e) when (e is TimeoutException || Failures.Explain(e) is not null)
        {
            // The product is in PostgreSQL, and can be read without Redis.
            return null;
        }
    }
}
