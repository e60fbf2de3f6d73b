using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>The units that a customer has bought of a SKU, by Redis and by the orders.</summary>
/// <param name="Owner">The owner of the limit, in the form that Redis stores.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Seen">Units bought, by Redis; null if that can't be read.</param>
/// <param name="Right">Units bought, by the orders.</param>
public sealed record WrongBought(string Owner, string Sku, long? Seen, long Right);

/// <summary>Compares the units that customers have bought of SKUs with a limit: Redis' counts and the orders.</summary>
/// <remarks>
/// <para>Why a difference is proven: an order is committed to PostgreSQL first; its commit in Redis counts its units
/// and removes its hold in one step. So the units of an order that PostgreSQL had before Redis was read are counted,
/// unless its hold is still listed. The units of an order that PostgreSQL had only after Redis was read are not
/// counted. If PostgreSQL gives the same result before and after, and no listed hold has an order, the two numbers are
/// about the same orders. Redis is told of a cancelled order within <see cref="ConfirmationStore.CancelPatience"/> or
/// never, so orders cancelled in the last half minute are left to a later run.
/// </para>
/// <para>Not handled: SKUs without a limit, because a rebuild doesn't count purchases of them; and counts of customers
/// without any order, because a digest doesn't name its customer.</para>
/// </remarks>
public sealed class BoughtAudit(
    AuditReader audit, OrderReading orders, LedgerReading ledger, StockRepair repair, AuditSession session)
{
    private const int Step = 50;

    private readonly AuditPass<string> pass = new("", FindingKind.BoughtUnits);

    /// <summary>Audits the next customers of the pass.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "bought";
        var round = pass.Begin(run);
        for (var done = 0; done < session.ItemsOfOnePass;)
        {
            var owners = await orders.HasLimitsAsync(cancellation)
                ? await orders.ReadOwnersAsync(round.After, session.Options.PageSize, cancellation)
                : [];
            if (owners.Count == 0)
            {
                await session.EndAsync(run, pass, round, cancellation);
                return;
            }

            await PageAsync(run, owners, cancellation);
            round.After = owners[^1];
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

    /// <summary>Returns the differences, and whether each is proven.</summary>
    private async Task<List<(LedgerBought Before, WrongBought Wrong, bool IsProven)>> CompareAsync(
        IEnumerable<string> owners, CancellationToken cancellation)
    {
        var before = await orders.ReadBoughtAsync(owners, cancellation);
        var looks = await LookAsync(before, cancellation);
        var different = before.Where(one => looks[one].Units != one.Units).ToList();
        if (different.Count == 0) return [];
        var held = different.SelectMany(one => looks[one].Holds).ToList();
        var ordered = held.Count == 0 ? [] : await ledger.ReadOrderedAsync(held, cancellation);
        var again = await orders.ReadBoughtAsync(different.Select(one => one.Owner).Distinct(), cancellation);
        var after = again.ToHashSet();
        return different.ConvertAll(one => (
            one,
            new WrongBought(one.Owner, one.Sku, looks[one].Units, one.Units),
            one.IsSettled && after.Contains(one) && !looks[one].Holds.Any(ordered.Contains)));
    }

    private async Task<Dictionary<LedgerBought, BoughtLook>> LookAsync(
        List<LedgerBought> accounts, CancellationToken cancellation)
    {
        var looks = new Dictionary<LedgerBought, BoughtLook>(accounts.Count);
        foreach (var partition in accounts.GroupBy(one => audit.PartitionOf(one.Sku)))
        {
            foreach (var chunk in partition.Chunk(Step))
            {
                cancellation.ThrowIfCancellationRequested();
                var looked = await audit.AuditBoughtAsync(
                    partition.Key, [.. chunk.Select(one => (Holder.Parse(one.Owner), one.Sku))])
                    ?? throw new FenceDownException();
                for (var i = 0; i < chunk.Length; i++) looks.Add(chunk[i], looked[i]);
            }
        }

        return looks;
    }

    private Task<bool> ReportAsync(AuditRun run, WrongBought wrong, CancellationToken cancellation) =>
        session.ReportAsync(
            run, Of(wrong), () => repair.SkuAsync(run, wrong.Sku, cancellation), cancellation);

    private static Finding Of(WrongBought wrong) => new(
        wrong.Seen is null ? FindingKind.Unreadable : FindingKind.BoughtUnits, wrong.Sku, wrong.Owner,
        $"{wrong.Right} units bought, by the orders",
        wrong.Seen is { } seen ? $"{seen} units bought, by Redis" : "what the customer has bought can't be read",
        wrong.Seen is null
            ? "Redis was changed by hand. The customer can't hold or release anything of the SKU."
            : wrong.Seen > wrong.Right
                ? "The customer's limit counts units that no order has, so it would refuse them too early: an order "
                    + "was cancelled and Redis not told, or Redis was changed by hand."
                : "The customer's limit counts fewer units than were bought, so they could buy too many: Redis lost a "
                    + "count, it was changed by hand, or the limit is newer than its last rebuild.",
        "the same orders before and after Redis was read, none of them being committed");
}
