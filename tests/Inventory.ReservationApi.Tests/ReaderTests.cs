using Inventory.Ledger;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Inventory.ReservationApi.Tests;

/// <summary>
/// Reads that may be a moment old use <c>ledger-readonly</c>, and no other request does. Here it is a separate database
/// with other data, used by a role that can't write.
/// </summary>
public sealed class ReaderTests : IAsyncLifetime
{
    private const string Sku = "shoe";

    private PostgresServer? postgres;
    private string primary = "";
    private string replica = "";
    private Api? api;

    public async Task InitializeAsync()
    {
        postgres = await PostgresServer.StartAsync();
        primary = await NewLedgerAsync("As it is", total: 7);
        replica = await NewLedgerAsync("As it was", total: 5);
        await ExecuteAsync(replica, "CREATE ROLE looker LOGIN PASSWORD 'look'");
        await ExecuteAsync(replica, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker");
        var looking = new NpgsqlConnectionStringBuilder(replica) { Username = "looker", Password = "look" };
        api = new(new()
        {
            ["ConnectionStrings:ledger"] = primary,
            ["ConnectionStrings:ledger-readonly"] = looking.ConnectionString,
        });
        await api.InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        if (api is not null) await api.DisposeAsync();
        if (postgres is not null) await postgres.DisposeAsync();
    }

    private Task<Answer> SendAsync(string method, string path, string? json = null, params string[] headers) =>
        api!.SendWithAsync(method, $"/api/products/{Sku}{path}", json, [Shop.AsAdministrator, .. headers]);

    [Fact]
    public async Task Reads_use_the_reader_and_changes_do_not()
    {
        var read = await SendAsync("GET", "");
        var movements = await SendAsync("GET", "/movements");
        var adjusted = await SendAsync(
            "POST", "/adjustments", """{"quantity":1,"reason":"received","reference":"delivery"}""");

        Assert.Equal("As it was", read.Json.GetProperty("name").GetString());
        Assert.Equal(5, read.Json.GetProperty("total").GetInt32());
        Assert.Equal(5, movements.Json.GetProperty("total").GetInt32());
        Assert.Equal(8, adjusted.Json.GetProperty("totalAfter").GetInt32());
        Assert.Equal((8, 5), (await TotalAsync(primary), await TotalAsync(replica)));
        Assert.Equal(0, (await SendAsync("GET", "/movements")).Json.GetProperty("movements").GetArrayLength());
    }

    [Fact]
    public async Task An_outdated_ETag_overwrites_nothing()
    {
        var read = await SendAsync("GET", "");
        await SendAsync("POST", "/adjustments", """{"quantity":1,"reason":"received","reference":"delivery"}""");

        var behind = await SendAsync("PUT", "", """{"name":"Mine"}""", $"If-Match: {read.Headers.ETag!.Tag}");
        behind.AssertProblem(412, "precondition-failed");

        // The answer to a change comes from the primary, so its ETag is always valid for the next change.
        var paused = await SendAsync("POST", "/pause");
        var ahead = await SendAsync("PUT", "", """{"name":"Mine"}""", $"If-Match: {paused.Headers.ETag!.Tag}");
        Assert.Equal((200, "Mine"), (ahead.Status, ahead.Json.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task The_reader_cannot_write()
    {
        using var scope = api!.Services.CreateScope();
        var reader = scope.ServiceProvider.GetRequiredService<LedgerReader>();

        reader.Add(new Product { SkuId = "new", Name = "New" });
        var refusal = Assert.Throws<InvalidOperationException>(() => reader.SaveChanges());
        Assert.Contains("LedgerContext", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => reader.SaveChangesAsync());
        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => reader.Database.ExecuteSqlAsync($"UPDATE products SET name = 'Other'"));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        Assert.Equal(QueryTrackingBehavior.NoTracking, reader.ChangeTracker.QueryTrackingBehavior);
    }

    private async Task<string> NewLedgerAsync(string name, int total)
    {
        var address = await Shop.NewLedgerAsync(postgres!);
        await using var source = NpgsqlDataSource.Create(address);
        await source.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{Sku}', '{name}')");
        await source.ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{Sku}', {total})");
        return address;
    }

    private static async Task ExecuteAsync(string address, string sql)
    {
        await using var source = NpgsqlDataSource.Create(address);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<int> TotalAsync(string address)
    {
        await using var source = NpgsqlDataSource.Create(address);
        await using var command = source.CreateCommand($"SELECT total FROM inventory WHERE sku_id = '{Sku}'");
        return (int)(await command.ExecuteScalarAsync())!;
    }
}
