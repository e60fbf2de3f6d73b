using System.Globalization;
using System.Text;
using System.Text.Json;
using Inventory.Stock;

namespace Inventory.ReservationApi.Availability;

/// <summary>
/// One server-sent event, ready to be written. All listeners of a SKU get the same bytes, so it is made once.
/// </summary>
internal sealed class LiveFrame
{
    private LiveFrame(string? id, string text) => (Id, Bytes) = (id, Encoding.UTF8.GetBytes(text));

    /// <summary>Stock can't be read now. The stream goes on, and shows the present state as soon as it can.</summary>
    internal static LiveFrame Unavailable { get; } = new(null,
        "event: unavailable\ndata: {\"reason\":\"Stock can't be read now. This stream goes on when it can.\"}\n\n");

    /// <summary>There is no such SKU, or no longer. The stream ends.</summary>
    internal static LiveFrame UnknownSku { get; } = new(null,
        "event: unknown-sku\ndata: {\"reason\":\"The SKU isn't on sale here. This stream ends.\"}\n\n");

    /// <summary>
    /// The state itself in few characters, so that any instance can tell whether a listener has seen it before, also on
    /// another instance. Null when the frame shows no state.
    /// </summary>
    internal string? Id { get; }

    /// <summary>What goes over the wire.</summary>
    internal ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The frame that shows a state.</summary>
    internal static LiveFrame Of(StockSnapshot stock)
    {
        var id = string.Create(CultureInfo.InvariantCulture,
            $"{stock.Version}-{stock.Total}-{stock.Reserved}-{stock.Holds}-{stock.MaxPerCustomer ?? 0}"
                + $"{(stock.Paused ? "-p" : "")}");
        var json = JsonSerializer.Serialize(new(stock), ApiJson.Default.ShowStockResponse);
        return new(id, $"event: stock\nid: {id}\ndata: {json}\n\n");
    }
}
