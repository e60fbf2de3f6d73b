using System.Globalization;
using System.Text;
using Inventory.Identity;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>
/// What a request has taken from stock, for the gateway's guard: new holds, and units that a cart has more. A repeated
/// answer has taken nothing, and what is given back in favour of a hold doesn't make it smaller.
/// </summary>
/// <remarks>
/// Absent: what the waiting queue grants later. Its pace is ours, and says nothing about who asked.
/// </remarks>
internal sealed class UnitsTaken
{
    /// <summary>
    /// Named in one answer at most, those with most units: the header stays below 8 KiB, and what a batch takes of a
    /// hundred others is not what anybody watches for.
    /// </summary>
    private const int MostSkus = 100;

    // A hold of one SKU, which nearly all are, needs no dictionary.
    private string? only;
    private long units;
    private Dictionary<string, long>? all;

    /// <summary>Adds what a reservation took. May be called by several at once.</summary>
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

    /// <summary>Says so in the answer, which must not have begun.</summary>
    internal void TellGateway(HttpContext http)
    {
        if (only is null) return;
        http.Response.Headers[CallerHeaders.UnitsTaken] = all is null
            ? string.Create(CultureInfo.InvariantCulture, $"{only}={units}")
            : Text(all);
    }

    private static string Text(Dictionary<string, long> all)
    {
        var text = new StringBuilder();
        foreach (var (sku, taken) in all.OrderByDescending(one => one.Value).Take(MostSkus))
        {
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{sku}={taken}");
        }

        return text.ToString();
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
