using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>A SKU's counter and the sum of its holds, at one moment.</summary>
/// <param name="Counter">What the counter says.</param>
/// <param name="Held">What the holds add up to.</param>
/// <param name="Evidence">How that was worked out.</param>
/// <param name="AtEnd">The SKU in both stores at that moment, with the newest of the holds.</param>
public sealed record HoldSum(long Counter, long Held, string Evidence, StockComparison AtEnd);

/// <summary>
/// Adds up the holds of SKUs that have more of them than one step may count, while they are being sold.
/// </summary>
/// <remarks>
/// Why the sum is exact. S is the last event before the reading begins, E the last one when the counter is read. What
/// has an event in (S, E] is as its last such event says. What has none had the same quantity all the time, and was
/// all the time either pending, and so was read with the deadlines, or was pinned in between, and so was read with the
/// leases, which are read afterwards: without an event nothing goes back from there.
/// </remarks>
public sealed class LargeSkus(StockEngine stock, LedgerReading ledger, AuditSession session)
{
    /// <summary>With more holds than this, about 50 MB, a sum is given up.</summary>
    private const int MostHolds = 500_000;

    /// <summary>With more events meanwhile, a sum is given up.</summary>
    private const int MostEvents = 200_000;

    private const int MostLeases = 5_000;
    private const int Page = 500;
    private const int Remembered = 1_000;

    /// <summary>Reading 100,000 holds takes a second or so: not each cycle.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, long> counted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Finding> promised = new(StringComparer.Ordinal);

    /// <summary>Whether the SKU's turn has come.</summary>
    public bool IsDue(AuditRun run, string sku)
    {
        if (!run.Requested && counted.TryGetValue(sku, out var at) && session.Since(at) < Between) return false;
        if (counted.Count >= Remembered)
        {
            counted.Clear();
            promised.Clear();
        }

        counted[sku] = session.Now();
        return true;
    }

    /// <summary>What the last count found promised beyond what there is; null when it found nothing.</summary>
    public Finding? PromisedBefore(string sku) => promised.GetValueOrDefault(sku);

    /// <summary>Remembers it until the next count.</summary>
    /// <param name="sku">The SKU.</param>
    /// <param name="finding">What was found; null for nothing.</param>
    public void Promised(string sku, Finding? finding)
    {
        if (finding is null) promised.Remove(sku);
        else promised[sku] = finding;
    }

    /// <summary>Counter and sum at one moment; null when too much happened meanwhile.</summary>
    public async Task<HoldSum?> CountAsync(string sku, CancellationToken cancellation)
    {
        var partition = stock.PartitionOf(sku);
        var start = (await LookAsync(partition, sku)).LastEvent;
        var quantities = new Dictionary<Guid, Held>();
        await foreach (var id in stock.ScanDeadlinesAsync(sku).WithCancellation(cancellation))
        {
            quantities[id] = default;
            if (quantities.Count > MostHolds) return null;
        }

        var leases = await stock.ReadLeasesAsync(partition, MostLeases + 1);
        if (leases.Count > MostLeases) return null;
        foreach (var id in leases) quantities[id] = default;
        await ReadQuantitiesAsync(partition, sku, quantities, cancellation);
        var before = (await ledger.ReadLevelsAsync([sku], cancellation)).Single();
        var end = await LookAsync(partition, sku);
        var after = (await ledger.ReadLevelsAsync([sku], cancellation)).Single();
        if (!await ApplyEventsAsync(partition, sku, start, end.LastEvent, quantities, cancellation)) return null;
        // Meanwhile all of them may have ended.
        var newest = quantities.Values.Where(held => held.Quantity > 0).Select(held => held.Since)
            .DefaultIfEmpty().Max();
        return new(end.Skus[0].Reserved, quantities.Values.Sum(held => held.Quantity),
            $"{quantities.Count} holds added up over the events from {start} to {end.LastEvent}",
            new(before, end.Skus[0] with { Newest = newest }, after));
    }

    private async Task<StockLooks> LookAsync(Partition partition, string sku) =>
        await stock.AuditStockAsync(partition, [sku]) ?? throw new FenceDownException();

    private async Task ReadQuantitiesAsync(
        Partition partition, string sku, Dictionary<Guid, Held> quantities, CancellationToken cancellation)
    {
        foreach (var chunk in quantities.Keys.ToArray().Chunk(Page))
        {
            cancellation.ThrowIfCancellationRequested();
            var texts = await stock.ReadHoldTextsAsync(partition, chunk);
            for (var i = 0; i < chunk.Length; i++)
            {
                quantities[chunk[i]] = new(HoldText.QuantityOf(texts[i], sku), HoldText.PendingSince(texts[i]));
            }
        }
    }

    private async Task<bool> ApplyEventsAsync(
        Partition partition, string sku, string start, string end, Dictionary<Guid, Held> quantities,
        CancellationToken cancellation)
    {
        var from = start;
        for (var read = 0; StreamIds.Compare(from, end) < 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            var stretch = await stock.ReadStreamAsync(partition, from == "0-0" ? null : from, Page);
            // What was removed meanwhile can't be applied.
            if (from != "0-0" && (stretch.Records.Count == 0 || stretch.Records[0].Id != from)) return false;
            foreach (var record in stretch.Records.SkipWhile(record => record.Id == from))
            {
                if (StreamIds.Compare(record.Id, end) > 0) return true;
                Apply(record.Parse(), StreamIds.TimeOf(record.Id), sku, quantities);
                if (++read > MostEvents) return false;
            }

            from = stretch.Records[^1].Id;
        }

        return true;
    }

    private static void Apply(
        StockEvent found, DateTimeOffset at, string sku, Dictionary<Guid, Held> quantities)
    {
        if (found.ReservationId is not { } id || found.Lines.All(line => line.Sku != sku)) return;
        if (found.Type is "released" or "expired" or "confirmed")
        {
            quantities.Remove(id);
            return;
        }

        // Of what was held before the reading, the reading knows since when. A revived one is older than its event.
        var since = found.Type == "reserved" ? at : quantities.GetValueOrDefault(id).Since;
        quantities[id] = new(found.Lines.First(line => line.Sku == sku).Quantity, since);
    }

    /// <param name="Quantity">Units under the hold.</param>
    /// <param name="Since">When it began; long ago for one that isn't pending.</param>
    private readonly record struct Held(long Quantity, DateTimeOffset Since);
}
