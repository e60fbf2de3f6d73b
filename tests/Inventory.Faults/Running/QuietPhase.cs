using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Faults.History;
using Inventory.Stock;

namespace Inventory.Faults.Running;

/// <summary>
/// Nobody calls and nothing breaks any more. Waits, by conditions, until all that was under way has arrived; reads what
/// nobody has heard of; and then what both stores say.
/// </summary>
public sealed class QuietPhase(
    Installation installation, StoreReader reader, Calls calls, Recorder recorder, TimeSpan patience)
{
    private static readonly (string What, string Sql)[] Settled =
    [
        ("nobody waits in the queue", "SELECT count(*) FROM waiting_queue WHERE state = 0"),
        // What nobody knows is waited for, for a quarter of an hour; the checker looks at it.
        ("every payment has its verdict",
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

    /// <summary>Waits, and reads. What does not come to rest is a complaint.</summary>
    public async Task<Facts> ReadAsync()
    {
        await RestAsync();
        await ResolveAsync();
        await RestAsync();
        var owners = recorder.Read().Where(call => call.Act == Act.Reserve).Select(call => call.Holder).ToHashSet();
        // A hold that comes due in between would be read in one store before its end, and in the other after it.
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
            // What was under way when the worker froze may have arrived in the middle.
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

    /// <summary>Once something has never happened, nothing more is waited for.</summary>
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
            "the fence is open", async () => !await installation.Engine.IsFencedAsync(), patience);
        foreach (var (what, sql) in Settled)
        {
            await Waiting.UntilAsync(
                what, async () => (await reader.RowsAsync(sql, row => row.GetInt64(0)))[0] == 0, patience);
        }

        await Waiting.UntilAsync("no hold is confirming", async () =>
            (await installation.Engine.ReadLeasesAsync(Only, 1)).Count == 0, patience);
        await Waiting.UntilAsync("nothing is due", async () => await installation.Redis.GetDatabase()
            .SortedSetLengthAsync(Only.Due, 0, Clock.NowMs) == 0, patience);
        await StoredAsync();
        var versions = await reader.RowsAsync(
            "SELECT sku_id, version FROM inventory", row => (Sku: row.GetString(0), Version: row.GetInt64(1)));
        foreach (var (sku, version) in versions)
        {
            await Waiting.UntilAsync($"Redis has version {version} of {sku}", async () =>
                (await installation.Engine.SnapshotAsync(sku)).Version >= version, patience);
        }
    }

    private Task StoredAsync() => Waiting.UntilAsync("every event is stored", async () =>
    {
        var last = await installation.Redis.GetDatabase().StreamRangeAsync(
            Only.Events, count: 1, messageOrder: StackExchange.Redis.Order.Descending);
        var stored = await reader.RowsAsync("SELECT stream_id FROM stream_positions", row => row.GetString(0));
        return last.Length == 0 || stored.Contains((string)last[0].Id!);
    }, patience);

    /// <summary>What was not heard of is read, as its client would.</summary>
    private async Task ResolveAsync()
    {
        var open = recorder.Read()
            .Where(call => call.Heard == Heard.Unknown && call.Act != Act.Restock && call.Reservation != Guid.Empty)
            .DistinctBy(call => call.Reservation);
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (call, _) =>
            await calls.SendAsync(Calls.Ask(Act.Look, call.Reservation, call.Holder) with { Lines = call.Lines }));
    }

    /// <summary>The product's own audit is a second opinion.</summary>
    private async Task<IReadOnlyList<Complaint>> AuditAsync()
    {
        using var http = installation.CreateClient(TimeSpan.FromSeconds(30));
        JsonNode? run = null;
        var times = 0;
        await Waiting.UntilAsync("the audit answers", async () =>
        {
            run = await AuditOnceAsync(http);
            // What it does not decide about when all is quiet, it never does; its findings are what counts.
            return run is not null && ((long)run["undecided"]! == 0 || ++times == MostAudits);
        }, patience);
        return
        [
            .. ((JsonArray)run!["findings"]!).Select(finding => new Complaint(
                $"the audit finds {finding!.ToJsonString()}", (string?)finding["kind"],
                Guid.TryParse((string?)finding["subject"], out var id) ? id : null)),
        ];
    }

    /// <summary>One audit to its end, which after a long run is later than the first answer; null if it breaks off.
    /// </summary>
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
