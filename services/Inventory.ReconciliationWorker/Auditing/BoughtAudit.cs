using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>What a customer has bought of a SKU, by Redis and by the orders.</summary>
/// <param name="Owner">Whose limit it is, as the stock engine writes it.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Seen">Units bought, by Redis.</param>
/// <param name="Right">Units bought, by the orders.</param>
public sealed record WrongBought(string Owner, string Sku, long Seen, long Right);

/// <summary>Compares what customers have bought of SKUs with a limit: Redis' counts with the orders.</summary>
/// <remarks>
/// <para>Why a difference is proven. An order is committed to PostgreSQL first; its commit in Redis counts its units
/// and removes its hold in one step. So, of an order that PostgreSQL had before Redis was looked at, the units are
/// counted unless its hold is still listed; of one that it had only afterwards, they are not. Where PostgreSQL says the
/// same before and after, and no listed hold has an order, the two numbers are of the same orders. A cancelled order is
/// told within <see cref="StockEngine.CancelPatience"/> or never: those of the last half minute are a later run's.
/// </para>
/// <para>Absent: SKUs without a limit, of which a rebuild counts nothing, and the counts of customers that no order
/// names, which can't be found by their digests.</para>
/// </remarks>
public sealed class BoughtAudit(
    StockEngine stock, OrderReading orders, LedgerReading ledger, StockRepair repair, AuditSession session)
{
    private const int Step = 50;

    private readonly AuditPass<string> pass = new("", FindingKind.BoughtUnits);

    /// <summary>Looks at the customers whose turn it is.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "bought";
        var turn = pass.Begin(run);
        for (var done = 0; done < session.ItemsOfOnePass;)
        {
            var owners = await orders.HasLimitsAsync(cancellation)
                ? await orders.ReadOwnersAsync(turn.After, session.Options.PageSize, cancellation)
                : [];
            if (owners.Count == 0)
            {
                await session.EndAsync(run, pass, turn, cancellation);
                return;
            }

            await PageAsync(run, owners, cancellation);
            turn.After = owners[^1];
            done += owners.Count;
            await session.RestAsync(run, owners.Count, cancellation);
        }
    }

    private async Task PageAsync(AuditRun run, List<string> owners, CancellationToken cancellation)
    {
        var suspects = (await CompareAsync(owners, cancellation)).Select(one => one.Before).ToList();
        var since = session.Now();
        while (suspects.Count > 0)
        {
            await session.WaitAsync(cancellation);
            var left = new List<LedgerBought>();
            foreach (var one in await CompareAsync(suspects.Select(one => one.Owner).Distinct(), cancellation))
            {
                if (one.IsProven) await ReportAsync(run, one.Wrong, cancellation);
                else left.Add(one.Before);
            }

            suspects = left;
            if (suspects.Count > 0 && session.IsPatienceOver(since))
            {
                session.Undecided(run, suspects.Count);
                return;
            }
        }
    }

    /// <summary>What differs, and whether that is proven.</summary>
    private async Task<List<(LedgerBought Before, WrongBought Wrong, bool IsProven)>> CompareAsync(
        IEnumerable<string> owners, CancellationToken cancellation)
    {
        var before = await orders.ReadBoughtAsync(owners, cancellation);
        var looks = await LookAsync(before, cancellation);
        var different = before.Where(one => looks[one].Units is { } units && units != one.Units).ToList();
        if (different.Count == 0) return [];
        var held = different.SelectMany(one => looks[one].Holds).ToList();
        var ordered = held.Count == 0 ? [] : await ledger.ReadOrderedAsync(held, cancellation);
        var again = await orders.ReadBoughtAsync(different.Select(one => one.Owner).Distinct(), cancellation);
        var after = again.ToHashSet();
        return different.ConvertAll(one => (
            one,
            new WrongBought(one.Owner, one.Sku, looks[one].Units!.Value, one.Units),
            one.IsSettled && after.Contains(one) && !looks[one].Holds.Any(ordered.Contains)));
    }

    private async Task<Dictionary<LedgerBought, BoughtLook>> LookAsync(
        List<LedgerBought> accounts, CancellationToken cancellation)
    {
        var looks = new Dictionary<LedgerBought, BoughtLook>(accounts.Count);
        foreach (var partition in accounts.GroupBy(one => stock.PartitionOf(one.Sku)))
        {
            foreach (var chunk in partition.Chunk(Step))
            {
                cancellation.ThrowIfCancellationRequested();
                var looked = await stock.AuditBoughtAsync(
                    partition.Key, [.. chunk.Select(one => (Holder.Parse(one.Owner), one.Sku))])
                    ?? throw new FenceDownException();
                for (var i = 0; i < chunk.Length; i++) looks.Add(chunk[i], looked[i]);
            }
        }

        return looks;
    }

    private Task<bool> ReportAsync(AuditRun run, WrongBought wrong, CancellationToken cancellation) =>
        session.ReportAsync(
            run,
            new(FindingKind.BoughtUnits, wrong.Sku, wrong.Owner, $"{wrong.Right} units bought, by the orders",
                $"{wrong.Seen} units bought, by Redis",
                wrong.Seen > wrong.Right
                    ? "The customer's limit counts units that no order has, so it would refuse them too early: an "
                        + "order was cancelled and Redis not told, or somebody wrote to Redis by hand."
                    : "The customer's limit counts fewer units than were bought, so they could buy too many: Redis "
                        + "lost a count, somebody wrote to it by hand, or the limit is newer than its last rebuild.",
                "the same orders before and after Redis was looked at, none of them on its way"),
            () => repair.BoughtAsync(run, wrong, cancellation),
            cancellation);
}
