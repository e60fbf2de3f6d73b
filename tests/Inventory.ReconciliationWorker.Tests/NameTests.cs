using Inventory.Contracts;
using Inventory.ReconciliationWorker.Tests.Audit;
using Inventory.Stock;
using Inventory.Testing;
using Npgsql;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Names that came by plain SQL: either both stores sell them, or PostgreSQL refuses them.</summary>
public sealed class NameTests(Stores stores) : IClassFixture<Stores>
{
    private static readonly string[] Skus =
    [
        "cap:1,mug", "a/b", "a b", "Größe 38/40", "x{y}", "100%", "a%2Fb", "日本", "it's", "{inv:0}:due", "-1,mug:2",
    ];

    private static readonly Holder Someone = Holder.Customer("gid://shopify/Customer/1");

    [Fact]
    public async Task Every_name_that_PostgreSQL_takes_is_sold_under_this_name_and_no_other()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        await InsertAsync("mug", 7);
        foreach (var sku in Skus) await InsertAsync(sku, 10);
        foreach (var sku in Skus) await InRedisAsync(scene, sku, 10);

        var id = Guid.NewGuid();
        var held = await scene.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Someone,
            Lines = [.. Skus.Select(sku => new Line(sku, 2))],
            HoldFor = TimeSpan.FromHours(1),
        });
        Assert.Equal(ReserveOutcome.Held, held.Outcome);
        await Eventually.EqualAsync(
            Skus.Length, () => stores.ReadAsync<int>(
                $"SELECT coalesce(max(jsonb_array_length(lines)), 0) FROM reservations WHERE reservation_id = '{id}'"));
        await scene.CyclesAsync(2);

        Assert.Equal("", await stores.ReadAsync<string>(
            $"""
            SELECT coalesce(string_agg(kind || ' ' || actual, ';'), '') FROM audit_findings
            WHERE sku_id IN ('mug', {string.Join(", ", Skus.Select(Quoted))})
            """));
        Assert.Equal(0, await stores.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
        Assert.All(Skus, sku => Assert.Contains(new Line(sku, 2), held.Reservation!.Lines));
        var events = (await scene.Engine.Events.ReadEventsAsync(1_000)).Events;
        Assert.Equal(Skus.Length + 1, events.Count(one => one.Lines.Any(line => Skus.Contains(line.Sku))));
        var ofMug = Assert.Single(events, one => one.Lines.Any(line => line.Sku == "mug"));
        Assert.Equal([new Line("mug", 7)], ofMug.Lines);
        foreach (var sku in Skus)
        {
            var level = await scene.Engine.Levels.SnapshotAsync(sku);
            Assert.Equal((sku, 10, 2, 1), (sku, level.Total, level.Reserved, level.Holds));
        }
    }

    [Fact]
    public async Task A_repair_rebuilds_a_SKU_with_such_a_name()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        const string Sku = "cup:1,{saucer} %";
        await InsertAsync(Sku, 10);
        await InRedisAsync(scene, Sku, 10);
        var id = await scene.StoredHoldAsync(Sku);
        await scene.CyclesAsync(1);

        await scene.Redis.KeyDeleteAsync(default(Partition).Stock(Sku));
        await scene.FindingAsync("MissingInRedis", Sku, repaired: true);

        var level = await scene.Engine.Levels.SnapshotAsync(Sku);
        Assert.Equal((10, 2, 1), (level.Total, level.Reserved, level.Holds));
        Assert.Equal(ReleaseOutcome.Released, (await scene.Engine.Holds.ReleaseAsync(id, null)).Outcome);
    }

    [Theory]
    [InlineData("mug ")]
    [InlineData(" mug")]
    [InlineData("mug\tcup")]
    [InlineData("mug\u00a0cup")]
    [InlineData("Gro\u0308ße")]
    [InlineData("..")]
    public async Task A_name_that_cannot_be_sold_is_refused_and_one_of_before_is_reported_and_never_written(string sku)
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(sku, 10));
        await stores.BeforeCheckAsync("products", "ck_products_sku_id", Product(sku));
        await stores.ExecuteAsync(Inventory(sku, 10));
        await Eventually.TrueAsync(() => scene.Worker.Log.Count("can't be sold") > 0);
        var (cause, _) = await scene.FindingAsync("NotASku", sku, repaired: false);
        var drifted = await stores.SkuAsync(10);
        await scene.Redis.HashIncrementAsync(default(Partition).Stock(drifted), "reserved", 3);
        await scene.FindingAsync("Reserved", drifted, repaired: true);
        await scene.CyclesAsync(2);

        Assert.Equal("ck_products_sku_id", refusal.ConstraintName);
        Assert.Contains("can't be sold", cause, StringComparison.Ordinal);
        Assert.Equal(0, await stores.ReadAsync<long>(
            "SELECT count(*) FROM audit_findings WHERE kind = 'NotASku' AND repaired_at IS NOT NULL"));
        Assert.False(await scene.Redis.KeyExistsAsync(default(Partition).Stock(sku)));
        Assert.DoesNotContain(
            (await scene.Engine.Events.ReadEventsAsync(1_000)).Events, one => one.Lines.Any(line => line.Sku == sku));
        Assert.Equal(0, await stores.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
    }

    [Fact]
    public async Task Rows_with_lines_that_cannot_be_read_are_reported_and_keep_no_partition_closed()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (sku, _) = await scene.SkuWithHoldAsync(10);
        var (noLines, badName) = (Guid.NewGuid(), Guid.NewGuid());
        await stores.BeforeCheckAsync(
            "reservations", "ck_reservations_lines", Row(noLines, """{"sku":"x"}"""), Row(badName, "[]"));
        await stores.ExecuteAsync(Row(Guid.NewGuid(), """[{"sku":"mug ","quantity":1}]"""));

        await scene.CyclesAsync(2);
        await scene.Redis.ExecuteAsync("FLUSHALL");
        await scene.Worker.UntilOpenAsync();
        await scene.CyclesAsync(1);

        Assert.Equal(3, await stores.ReadAsync<long>(
            "SELECT count(*) FROM audit_findings WHERE kind = 'Unreadable' AND gone_at IS NULL"));
        Assert.Equal(0, scene.Worker.Log.Count("The audit breaks off"));
        var level = await scene.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((10, 2, 1), (level.Total, level.Reserved, level.Holds));
        await stores.ExecuteAsync("DELETE FROM reservations");
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string Product(string sku) => $"INSERT INTO products (sku_id, name) VALUES ({Quoted(sku)}, 'Mug')";

    private static string Inventory(string sku, int total) =>
        $"INSERT INTO inventory (sku_id, total) VALUES ({Quoted(sku)}, {total})";

    private static string Row(Guid id, string lines) =>
        $"""
        INSERT INTO reservations
            (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
        VALUES ('{id}', 0, 'u:me', 'pending', now() + interval '1 hour', {Quoted(lines)}, 1, now(), now())
        """;

    private async Task InsertAsync(string sku, int total)
    {
        await stores.ExecuteAsync(Product(sku));
        await stores.ExecuteAsync(Inventory(sku, total));
    }

    private static Task InRedisAsync(AuditScene scene, string sku, int total) => Eventually.EqualAsync(
        total, async () => (await scene.Engine.Levels.SnapshotAsync(sku)).Total);
}
