using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>A SKU's counter and the sum of its holds, at one moment.</summary>
/// <param name="Counter">The counter.</param>
/// <param name="Held">The sum of the holds.</param>
/// <param name="Evidence">How the sum was computed.</param>
/// <param name="AtEnd">The SKU in both stores at that moment, including the newest hold.</param>
public sealed record HoldSum(long Counter, long Held, string Evidence, StockComparison AtEnd);

/// <summary>Adds up the holds of SKUs with more holds than one step may count, while they are being sold.</summary>
/// <remarks>
/// Why the sum is exact: S is the last event before the reading begins, E the last one when the counter is read. The
/// last event in (S, E] of a hold gives its state. A hold without such an event had the same quantity all the time. It
/// was either pending all the time, and so was read with the deadlines, or was pinned in between, and so was read with
/// the leases, which are read afterwards: a hold leaves the leases only with an event.
/// </remarks>
public sealed class OnlineHoldCounter(EventStream events, AuditReader audit, LedgerReading ledger, AuditSession session)
{
    /// <summary>Maximum number of holds of one sum, about 50 MB; for more, the sum is given up.</summary>
    private const int MostHolds = 500_000;

    /// <summary>Maximum number of events during the reading; for more, the sum is given up.</summary>
    private const int MostEvents = 200_000;

    private const int MostLeases = 5_000;
    private const int Page = 500;
    private const int Remembered = 1_000;

    /// <summary>Minimum time between two counts of a SKU: reading 100,000 holds takes a second or so.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, long> counted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Finding> promised = new(StringComparer.Ordinal);

    /// <summary>Whether the SKU has to be counted in this run; remembers the time if so.</summary>
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

    /// <summary>The last count's finding of more reserved than existing units; null for none.</summary>
    public Finding? PromisedBefore(string sku) => promised.GetValueOrDefault(sku);

    /// <summary>Remembers that finding until the next count.</summary>
    /// <param name="sku">The SKU.</param>
    /// <param name="finding">The finding; null for none.</param>
    public void Promised(string sku, Finding? finding)
    {
        if (finding is null) promised.Remove(sku);
        else promised[sku] = finding;
    }

    /// <summary>Counter and sum at one moment; null if there were too many holds or changes.</summary>
    public async Task<HoldSum?> CountAsync(string sku, CancellationToken cancellation)
    {
        var partition = audit.PartitionOf(sku);
        var start = (await LookAsync(partition, sku)).LastEvent;
        var quantities = new Dictionary<Guid, Held>();
        await foreach (var id in audit.ScanDeadlinesAsync(sku).WithCancellation(cancellation))
        {
            quantities[id] = default;
            if (quantities.Count > MostHolds) return null;
        }

        var leases = await audit.ReadLeasesAsync(partition, MostLeases + 1);
        if (leases.Count > MostLeases) return null;
        foreach (var id in leases) quantities[id] = default;
        await ReadQuantitiesAsync(partition, sku, quantities, cancellation);
        var before = (await ledger.ReadLevelsAsync([sku], cancellation)).Single();
        var end = await LookAsync(partition, sku);
        var after = (await ledger.ReadLevelsAsync([sku], cancellation)).Single();
        // A repair has closed the SKU, or it has just been changed by hand.
        if (end.Skus[0].State == LookState.Unreadable) return null;
        if (!await ApplyEventsAsync(partition, sku, start, end.LastEvent, quantities, cancellation)) return null;
        // All of the holds may have ended by now.
        var newest = quantities.Values.Where(held => held.Quantity > 0).Select(held => held.Since)
            .DefaultIfEmpty().Max();
        return new(end.Skus[0].Reserved, quantities.Values.Sum(held => held.Quantity),
            $"{quantities.Count} holds added up over the events from {start} to {end.LastEvent}",
            new(before, end.Skus[0] with { Newest = newest }, after));
    }

    private async Task<StockLooks> LookAsync(Partition partition, string sku) =>
        await audit.AuditStockAsync(partition, [sku]) ?? throw new FenceDownException();

    private async Task ReadQuantitiesAsync(
        Partition partition, string sku, Dictionary<Guid, Held> quantities, CancellationToken cancellation)
    {
        foreach (var chunk in quantities.Keys.ToArray().Chunk(Page))
        {
            cancellation.ThrowIfCancellationRequested();
            var holds = await audit.ReadHoldsAsync(partition, chunk);
            for (var i = 0; i < chunk.Length; i++)
            {
                quantities[chunk[i]] = Held.Of(holds[i], sku);
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
            var stretch = await events.ReadStreamAsync(partition, from == "0-0" ? null : from, Page);
            // The stream was trimmed during the reading, so events are missing.
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

        // For a hold that existed before the reading, the reading gives the start time. A revived hold is older than
        // its event.
        var since = found.Type == "reserved" ? at : quantities.GetValueOrDefault(id).Since;
        quantities[id] = new(found.Lines.First(line => line.Sku == sku).Quantity, since);
    }

    /// <param name="Quantity">The hold's units.</param>
    /// <param name="Since">When it began; a time long ago if it isn't pending.</param>
    private readonly record struct Held(long Quantity, DateTimeOffset Since)
    {
        public static Held Of(ActiveHold? hold, string sku) => hold is null
            ? default
            : new(
                hold.Lines.Where(line => line.Sku == sku).Sum(line => line.Quantity),
                hold.Confirming ? DateTimeOffset.UnixEpoch : hold.CreatedAt);
    }
}
