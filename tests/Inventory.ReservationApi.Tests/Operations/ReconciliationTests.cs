using Inventory.Testing;

namespace Inventory.ReservationApi.Tests.Operations;

/// <summary>Operators request audits and read their reports. The tests play the worker by its tables.</summary>
public sealed class ReconciliationTests : IAsyncLifetime
{
    private const string Overview = "/api/operations/reconciliation";

    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Theory]
    [InlineData("", "dryRun")]
    [InlineData("?dryRun=perhaps", "dryRun")]
    [InlineData("?dryRun=true&dryRun=false", "dryRun")]
    [InlineData("?dryRun=false&sku=no%20", "sku")]
    public async Task An_invalid_request_for_a_run_is_refused_and_not_stored(string query, string field)
    {
        await SignAsync();

        var refused = await shop.SendAsync("POST", $"{Overview}/run{query}");

        refused.AssertProblem(400, "validation");
        Assert.True(refused.Json.GetProperty("errors").TryGetProperty(field, out _));
        Assert.Equal(0, await RunsAsync());
    }

    [Fact]
    public async Task Without_a_worker_an_audit_is_refused_and_not_stored()
    {
        await SignAsync("11 seconds");

        var refused = await shop.SendAsync("POST", $"{Overview}/run?dryRun=true");

        refused.AssertProblem(503, "audit-unavailable");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal(0, await RunsAsync());
        Assert.False((await shop.SendAsync("GET", Overview)).Json.TryGetProperty("worker", out _));
    }

    [Fact]
    public async Task A_run_answers_with_its_report()
    {
        await SignAsync();
        var asking = shop.SendAsync("POST", $"{Overview}/run?dryRun=false&sku=serum-50");
        await Eventually.EqualAsync(1, () => RunsAsync());
        await shop.ExecuteAsync(
            """
            UPDATE audit_runs SET state = 'completed', started_at = now(), completed_at = now(), skus = 1, found = 1,
                repaired = 1, explained = 2, findings = '[{"kind":"Reserved","sku":"serum-50","subject":"",
                    "expected":"2","actual":"5","cause":"c","evidence":"e","repair":"done"}]'
            WHERE state = 'waiting' AND sku_id = 'serum-50' AND NOT dry_run AND requested
            """);

        var report = await asking;

        Assert.Equal(200, report.Status);
        Assert.Equal("completed", report.Json.GetProperty("state").GetString());
        Assert.Equal(2, report.Json.GetProperty("explained").GetInt32());
        var finding = report.Json.GetProperty("findings").EnumerateArray().Single();
        Assert.Equal("Reserved serum-50 done", string.Join(' ',
            new[] { "kind", "sku", "repair" }.Select(name => finding.GetProperty(name).GetString())));
        Assert.False(finding.TryGetProperty("subject", out _));
    }

    [Fact]
    public async Task A_long_run_can_be_read_at_its_address_and_a_failed_one_has_its_reason()
    {
        await SignAsync();

        var accepted = await shop.SendAsync("POST", $"{Overview}/run?dryRun=true");

        Assert.Equal(202, accepted.Status);
        var address = accepted.Headers.Location!.ToString();
        Assert.Equal("waiting", (await shop.SendAsync("GET", address)).Json.GetProperty("state").GetString());
        var open = (await shop.SendAsync("GET", Overview)).Json.GetProperty("openRuns").EnumerateArray().Single();
        Assert.EndsWith($"/{open.GetProperty("id").GetInt64()}", address, StringComparison.Ordinal);
        await shop.ExecuteAsync(
            "UPDATE audit_runs SET state = 'failed', completed_at = now(), error = 'Redis is away.'");
        Assert.Equal("Redis is away.", (await shop.SendAsync("GET", address)).Json.GetProperty("error").GetString());

        var asking = shop.SendAsync("POST", $"{Overview}/run?dryRun=true");
        await Eventually.EqualAsync(2, () => RunsAsync());
        await shop.ExecuteAsync(
            "UPDATE audit_runs SET state = 'failed', completed_at = now(), error = 'Redis is away.'");
        var failed = await asking;
        failed.AssertProblem(503, "audit-unavailable");
        Assert.Contains("Redis is away.", failed.Json.GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_overview_shows_the_last_cycle_open_findings_and_repairs()
    {
        await SignAsync();
        await shop.ExecuteAsync(
            """
            INSERT INTO audit_runs (requested, dry_run, state, started_at, completed_at, skus)
            VALUES (false, false, 'completed', now(), now(), 7), (true, true, 'completed', now(), now(), 8),
                (false, false, 'failed', now(), now(), 9);
            INSERT INTO audit_findings (kind, sku_id, subject, expected, actual, cause, evidence, first_run, last_run,
                repair, repaired_at, gone_at)
            VALUES ('Oversold', 'a', '', 'x', 'y', 'z', 'e', 1, 1, NULL, NULL, NULL),
                ('Reserved', 'b', '', 'x', 'y', 'z', 'e', 1, 1, 'mended', now(), now()),
                ('Total', 'c', '', 'x', 'y', 'z', 'e', 1, 1, NULL, NULL, now())
            """);

        var overview = (await shop.SendAsync("GET", Overview)).Json;

        Assert.Equal("idle", overview.GetProperty("worker").GetString());
        Assert.Equal(7, overview.GetProperty("lastCycle").GetProperty("skus").GetInt64());
        Assert.Equal("Oversold", overview.GetProperty("openFindings").EnumerateArray().Single()
            .GetProperty("kind").GetString());
        Assert.Equal("mended", overview.GetProperty("recentRepairs").EnumerateArray().Single()
            .GetProperty("repair").GetString());
    }

    [Theory]
    [InlineData("4711")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    [InlineData("one")]
    public async Task An_unknown_audit_is_not_found(string id) =>
        (await shop.SendAsync("GET", $"{Overview}/runs/{id}")).AssertProblem(404, "audit-not-found");

    private Task SignAsync(string ago = "0") => shop.ExecuteAsync(
        $"INSERT INTO audit_worker (seen_at, state) VALUES (clock_timestamp() - interval '{ago}', 'idle')");

    private async Task<long> RunsAsync() => await shop.ReadAsync<long>("SELECT count(*) FROM audit_runs");
}
