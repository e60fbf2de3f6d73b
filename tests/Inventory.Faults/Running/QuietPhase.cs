using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Faults.History;
using Inventory.Stock;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>
/// The phase after clients and faults have stopped. Waits for conditions until all work under way is done, reads the
/// reservations of unanswered calls, then reads both stores.
/// </summary>
public sealed class QuietPhase(
    Installation installation, StoreReader reader, Calls calls, Recorder recorder, TimeSpan patience)
{
    private static readonly (string What, string Sql)[] Settled =
    [
        ("the waiting queue is empty", "SELECT count(*) FROM waiting_queue WHERE state = 0"),
        // Payments of unknown reservations are left out: they wait 15 minutes, and the checker handles them.
        ("every payment is settled",
            """
            SELECT count(*) FROM payment_events event WHERE processed_at IS NULL AND EXISTS (
                SELECT FROM reservations row WHERE row.reservation_id = event.reservation_id)
            """),
        ("every row that is due has ended",
            """
            SELECT count(*) FROM reservations row WHERE status = 'pending' AND deadline < now()
                AND NOT EXISTS (SELECT FROM orders WHERE orders.reservation_id = row.reservation_id)
            """),
    ];

    private const int MostAudits = 10;
    private static readonly Partition Only = new(0);
    private IReadOnlyList<Complaint> findings = [];
    private Complaint? neverHappened;

    /// <summary>Waits and reads. A condition that is not met in time becomes a complaint.</summary>
    public async Task<Facts> ReadAsync()
    {
        await RestAsync();
        await ResolveAsync();
        await RestAsync();
        var owners = recorder.Read().Where(call => call.Act == Act.Reserve).Select(call => call.Holder).ToHashSet();
        // Freeze expiry, so that a hold is not read before its expiry in one store and after it in the other.
        var expiring = installation.Members["expiration-worker"];
        expiring.Freeze();
        try
        {
            var facts = await ReadStillAsync(owners);
            return facts with
            {
                Complaints = [.. facts.Complaints, .. findings, .. new[] { neverHappened }.OfType<Complaint>()],
            };
        }
        finally
        {
            expiring.Thaw();
        }
    }

    private async Task<Facts> ReadStillAsync(HashSet<string> owners)
    {
        while (true)
        {
            await TryAsync(StoredAsync);
            var facts = await reader.ReadAsync(owners);
            // Work under way when the worker froze may have changed the stores during the read.
            var isStill = (await reader.HoldsAsync()).Select(hold => hold.ToString())
                .SequenceEqual(facts.Holds.Select(hold => hold.ToString()), StringComparer.Ordinal);
            if (isStill || neverHappened is not null) return facts;
        }
    }

    private Task RestAsync() => TryAsync(async () =>
    {
        foreach (var member in installation.Members.Values)
        {
            await Waiting.UntilAsync($"{member.Name} is healthy", member.IsHealthyAsync, patience);
        }

        await SettleAsync();
        findings = await AuditAsync();
    });

    /// <summary>Waits, unless an earlier condition was not met in time.</summary>
    private async Task TryAsync(Func<Task> wait)
    {
        if (neverHappened is not null) return;
        try
        {
            await wait();
        }
        catch (NeverHappenedException e)
        {
            neverHappened = new(e.Message);
        }
    }

    private async Task SettleAsync()
    {
        await Waiting.UntilAsync(
            "the fence is open", async () => !await installation.Engine.Maintenance.IsFencedAsync(), patience);
        foreach (var (what, sql) in Settled)
        {
            await Waiting.UntilAsync(
                what, async () => (await reader.RowsAsync(sql, row => row.GetInt64(0)))[0] == 0, patience);
        }

        await Waiting.UntilAsync("no hold is confirming", async () =>
            (await installation.Engine.Audit.ReadLeasesAsync(Only, 1)).Count == 0, patience);
        await Waiting.UntilAsync("nothing is due", async () => await installation.Redis.GetDatabase()
            .SortedSetLengthAsync(Only.Due, 0, Clock.NowMs) == 0, patience);
        await StoredAsync();
        var versions = await reader.RowsAsync(
            "SELECT sku_id, version FROM inventory", row => (Sku: row.GetString(0), Version: row.GetInt64(1)));
        foreach (var (sku, version) in versions)
        {
            await Waiting.UntilAsync($"Redis has version {version} of {sku}", async () =>
                (await installation.Engine.Levels.SnapshotAsync(sku)).Version >= version, patience);
        }
    }

    private Task StoredAsync() => Waiting.UntilAsync("every event is stored", async () =>
    {
        var last = await installation.Redis.GetDatabase().StreamRangeAsync(
            Only.Events, count: 1, messageOrder: StackExchange.Redis.Order.Descending);
        var stored = await reader.RowsAsync("SELECT stream_id FROM stream_positions", row => row.GetString(0));
        return last.Length == 0 || stored.Contains((string)last[0].Id!);
    }, patience);

    /// <summary>Reads the reservations of unanswered calls, as their clients would.</summary>
    private async Task ResolveAsync()
    {
        var open = recorder.Read()
            .Where(call => call.Heard == Heard.Unknown && call.Act != Act.Restock && call.Reservation != Guid.Empty)
            .DistinctBy(call => call.Reservation);
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (call, _) =>
            await calls.SendAsync(Calls.Ask(Act.Look, call.Reservation, call.Holder) with { Lines = call.Lines }));
    }

    /// <summary>Runs the product's own audit as a second check.</summary>
    private async Task<IReadOnlyList<Complaint>> AuditAsync()
    {
        using var http = installation.CreateClient(TimeSpan.FromSeconds(30));
        JsonNode? run = null;
        var times = 0;
        await Waiting.UntilAsync("the audit answers", async () =>
        {
            run = await AuditOnceAsync(http);
            // While nothing changes, an undecided entry stays undecided, so stop after some audits.
            return run is not null && ((long)run["undecided"]! == 0 || ++times == MostAudits);
        }, patience);
        return
        [
            .. ((JsonArray)run!["findings"]!).Select(finding => new Complaint(
                $"the audit finds {finding!.ToJsonString()}", (string?)finding["kind"],
                Guid.TryParse((string?)finding["subject"], out var id) ? id : null)),
        ];
    }

    /// <summary>Runs one audit and polls until it ends; null if it fails.</summary>
    private static async Task<JsonNode?> AuditOnceAsync(HttpClient http)
    {
        using var asked = await http.PostAsync(
            new Uri("/api/operations/reconciliation/run?dryRun=true", UriKind.Relative), null);
        if (!asked.IsSuccessStatusCode) return null;
        var run = await asked.Content.ReadFromJsonAsync<JsonNode>();
        while ((string?)run!["state"] is not ("completed" or "failed"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            run = await http.GetFromJsonAsync<JsonNode>(asked.Headers.Location);
        }

        return (string?)run["state"] == "completed" ? run : null;
    }
}
