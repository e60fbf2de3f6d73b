using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>
/// The units that a request has taken, for the gateway's bot guard: new holds, and units added to a cart's hold. A
/// replayed answer has taken none, and units of a replaced hold are not subtracted.
/// </summary>
/// <remarks>
/// By design: later grants of the waiting queue don't count. The server sets their pace, which says nothing about the
/// caller.
/// </remarks>
internal sealed class UnitsTaken
{
    /// <summary>
    /// Most characters of the header: a server accepts 8 KiB, with the name. The SKUs with most units come first; the
    /// guard doesn't need the rest.
    /// </summary>
    private const int MostLength = 8_000;

    // A hold of one SKU, which nearly all are, needs no dictionary.
    private string? only;
    private long units;
    private Dictionary<string, long>? all;

    /// <summary>Adds what a reservation took. Several threads may call it at once.</summary>
    internal UnitsTaken Add(ReserveAnswer answer)
    {
        if (answer.Outcome != ReserveOutcome.Held || answer.Replayed) return this;
        foreach (var line in answer.Available) Add(line.Sku, line.Requested);
        return this;
    }

    /// <summary>Adds what a cart took.</summary>
    internal UnitsTaken Add(AdjustAnswer answer, string sku)
    {
        var took = answer.Outcome is AdjustOutcome.Held or AdjustOutcome.Adjusted && !answer.Replayed;
        if (took && answer.More > 0) Add(sku, answer.More);
        return this;
    }

    /// <summary>Writes the header of the answer, which must not have begun.</summary>
    internal void TellGateway(HttpContext http)
    {
        if (only is null) return;
        http.Response.Headers[InventoryHeaders.UnitsTaken] = all is null
            ? TakenUnitsText.Write(only, units)
            : TakenUnitsText.Write(all.OrderByDescending(one => one.Value), MostLength);
    }

    private void Add(string sku, long taken)
    {
        lock (this)
        {
            if (all is null && (only ?? sku) == sku)
            {
                only = sku;
                units += taken;
                return;
            }

            all ??= new(StringComparer.Ordinal) { [only!] = units };
            all[sku] = all.GetValueOrDefault(sku) + taken;
        }
    }
}
