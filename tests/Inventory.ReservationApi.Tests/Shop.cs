using System.Globalization;
using Inventory.Ledger;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Inventory.ReservationApi.Tests;

/// <summary>The API with its own Redis and PostgreSQL, and an administrator as caller.</summary>
public sealed class Shop : IAsyncLifetime
{
    /// <summary>The header of a caller with every scope.</summary>
    public static readonly string AsAdministrator = $"X-Api-Key: {Api.Key("all")}";

    private PostgresServer? postgres;
    private NpgsqlDataSource? ledger;
    private Api? api;

    private readonly Dictionary<string, string> settings;

    public Shop() : this([])
    {
    }

    internal Shop(Dictionary<string, string> settings) => this.settings = settings;

    public Api Api => api!;

    public string LedgerAddress { get; private set; } = "";

    public PostgresServer Postgres => postgres!;

    public NpgsqlDataSource Ledger => ledger!;

    public async Task InitializeAsync()
    {
        postgres = await PostgresServer.StartAsync();
        LedgerAddress = await NewLedgerAsync(postgres);
        ledger = NpgsqlDataSource.Create(LedgerAddress);
        api = new(new(settings) { ["ConnectionStrings:ledger"] = LedgerAddress });
        await api.InitializeAsync();
    }

    /// <summary>Creates a migrated database, and returns its address.</summary>
    internal static async Task<string> NewLedgerAsync(PostgresServer postgres)
    {
        var address = await postgres.CreateDatabaseAsync();
        await using var context = new LedgerContext(
            new DbContextOptionsBuilder<LedgerContext>().UseNpgsql(address).Options);
        await new LedgerMigration(context, TimeProvider.System, NullLogger<LedgerMigration>.Instance)
            .ApplyAsync(LedgerMigration.StartupPatience, CancellationToken.None);
        return address;
    }

    public async Task DisposeAsync()
    {
        if (api is not null) await api.DisposeAsync();
        if (ledger is not null) await ledger.DisposeAsync();
        if (postgres is not null) await postgres.DisposeAsync();
    }

    /// <summary>Calls as the administrator, with further headers such as a precondition.</summary>
    public Task<Answer> SendAsync(string method, string path, string? json = null, params string[] headers) =>
        Api.SendWithAsync(method, path, json, [AsAdministrator, .. headers]);

    /// <summary>Creates a product, and returns its SKU and its ETag.</summary>
    public async Task<(string Sku, string ETag)> NewProductAsync(int total)
    {
        var sku = Api.Fresh("product");
        var body = string.Create(CultureInfo.InvariantCulture, $$"""{"name":"Something","total":{{total}}}""");
        var created = await SendAsync("PUT", $"/api/products/{sku}", body, "If-None-Match: *");
        Assert.Equal(201, created.Status);
        return (sku, created.Headers.ETag!.Tag);
    }

    /// <summary>Adjusts a total.</summary>
    public Task<Answer> AdjustAsync(string sku, int quantity, string reference, string? key = null) => SendAsync(
        "POST",
        $"/api/products/{sku}/adjustments",
        string.Create(CultureInfo.InvariantCulture,
            $$"""{"quantity":{{quantity}},"reason":"correction","reference":"{{reference}}"}"""),
        key is null ? [] : ["Idempotency-Key: " + key]);

    /// <summary>The totals in PostgreSQL and Redis, and the number of movements.</summary>
    public async Task<(int Ledger, int Redis, int Movements)> LevelsAsync(string sku) => (
        await ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"),
        (await Api.Engine.Levels.SnapshotAsync(sku)).Total,
        (int)await ReadAsync<long>($"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}'"));

    public Task<T> ReadAsync<T>(string sql) => Ledger.ReadAsync<T>(sql);

    /// <summary>Runs plain SQL, as an ERP system would.</summary>
    public Task ExecuteAsync(string sql) => Ledger.ExecuteAsync(sql);
}
