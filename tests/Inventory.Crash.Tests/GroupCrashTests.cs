using Inventory.Stock;
using Npgsql;
using static Inventory.Stock.ReservationStatus;

namespace Inventory.Crash.Tests;

/// <summary>
/// The API is killed with SIGKILL in the middle of a transaction that many confirms share. All of them are orders, or
/// none is, and both stores say the same.
/// </summary>
[Collection(nameof(Site))]
public sealed class GroupCrashTests(Site site)
{
    private const int Members = 64;
    private const int Late = 8;

    [Theory]
    // killed at, its step is, so many of its kind were done, what becomes of the group
    [InlineData(Step.Decide, Fate.Lost, 0, Pending)]
    [InlineData(Step.Decide, Fate.Unheard, 0, Pending)]
    [InlineData(Step.Write, Fate.Lost, 1, Pending)]
    [InlineData(Step.Write, Fate.Unheard, 1, Pending)]
    [InlineData(Step.Commit, Fate.Lost, 1, Pending)]
    [InlineData(Step.Commit, Fate.Late, 1, Confirmed)]
    [InlineData(Step.Commit, Fate.Unheard, 1, Confirmed)]
    [InlineData(Step.Tell, Fate.Lost, 1 + (Members / 2), Confirmed)]
    [InlineData(Step.Tell, Fate.Unheard, 1 + (Members / 2), Confirmed)]
    public async Task Confirms_that_share_a_transaction_die_with_it_or_are_all_orders(
        Step step, Fate fate, int done, ReservationStatus afterwards)
    {
        var sku = await site.SkuAsync(100);
        var first = await site.HoldAsync(new Line(sku, 1));
        Guid[] group = await Task.WhenAll(
            Enumerable.Range(0, Members).Select(_ => site.HoldAsync(new Line(sku, 1))));

        try
        {
            await CrashAsync(sku, first, group, step, fate, done);
        }
        finally
        {
            site.ThawWorker();
        }

        await site.UntilSettledAsync();
        var ends = await Task.WhenAll(group.Select(site.StatusAsync));

        // Whose deadline has passed meanwhile is no order either, and gives its unit back.
        var (sold, left) = afterwards == Confirmed ? (1 + Members, 0) : (1, Members - Late);
        await site.UntilAsync(async () =>
        {
            await site.Engine.ExpireAsync(Members);
            return (await site.Engine.SnapshotAsync(sku)).Reserved == left;
        });
        Assert.Equal(Confirmed, await site.StatusAsync(first));
        Assert.All(ends[Late..], end => Assert.Equal(afterwards, end));
        Assert.All(ends[..Late], end => Assert.Equal(afterwards == Confirmed ? Confirmed : Expired, end));
        Assert.Equal((sold, left), await site.AssertAgreementAsync(sku, received: 100));
        Assert.Equal(afterwards == Confirmed ? 1 : 0, await site.ReadAsync<long>(
            "SELECT count(DISTINCT xmin::text) FROM orders "
            + $"WHERE reservation_id = ANY('{{{string.Join(',', group)}}}')"));

        // Whoever asked has heard nothing, and asks again.
        var again = await Task.WhenAll(group.Select(site.ConfirmAsync));
        Assert.All(again[Late..], status => Assert.Equal(204, status));
        Assert.All(again[..Late], status => Assert.Equal(afterwards == Confirmed ? 204 : 409, status));
        Assert.Equal((sold + left, 0), await site.AssertAgreementAsync(sku, received: 100));
    }

    /// <summary>Confirms a group in one transaction, and kills the API at a step of it.</summary>
    private async Task CrashAsync(string sku, Guid first, Guid[] group, Step step, Fate fate, int done)
    {
        await site.ApiAsync();
        // The first one's patience with the row, and all leases, are ten seconds: nothing may be slow for being the
        // first of its kind, and whoever resolves what has lapsed must wait. Few confirms, or the driver prepares its
        // statements, and their text is no longer seen.
        Assert.Equal(204, await site.ConfirmAsync(await site.HoldAsync(new Line(await site.SkuAsync(1), 1))));
        await Task.WhenAll(group.Select(ReadAsync));
        site.FreezeWorker();
        // While the first one waits for the row, those who come then gather.
        await using var connection = await site.Ledger.OpenConnectionAsync();
        await using var blocking = await connection.BeginTransactionAsync();
        await using (var block = new NpgsqlCommand(
            $"SELECT FROM inventory WHERE sku_id = '{sku}' FOR UPDATE", connection))
        {
            await block.ExecuteNonQueryAsync();
        }

        var answers = new List<Task<int?>> { site.ConfirmAsync(first) };
        await site.UntilAsync(() => site.ReadAsync<bool>(
            """
            SELECT count(*) > 0 FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE '%FROM inventory%'
            """));
        answers.AddRange(group.Select(site.ConfirmAsync));
        var leases = new Partition(0).Leases;
        await site.UntilAsync(async () =>
            await site.Redis.GetDatabase().SortedSetLengthAsync(leases) == 1 + Members);
        // Answers of Redis come in their order: after these, those of all pins have been there.
        foreach (var id in group[..3]) Assert.Equal(200, await ReadAsync(id));
        foreach (var id in group[..Late]) await site.EndDeadlineAsync(id);
        var held = site.HoldNext(step, fate, done);
        await blocking.CommitAsync();
        await held.Reached.WaitAsync(TimeSpan.FromMinutes(1));
        await site.KillApiAsync();
        if (fate == Fate.Late) await held.DeliverAsync();
        else held.Drop();
        Assert.All(await Task.WhenAll(answers), answer => Assert.True(answer is null or 204));
    }

    /// <summary>Reads a reservation over HTTP.</summary>
    /// <returns>The status.</returns>
    private async Task<int> ReadAsync(Guid id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/reservations/{id}");
        request.Headers.Add("X-Api-Key", Site.Key);
        using var response = await (await site.ApiAsync()).Http.SendAsync(request);
        return (int)response.StatusCode;
    }
}
