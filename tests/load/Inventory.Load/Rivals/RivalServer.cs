using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Rivals;

/// <summary>
/// The rivals behind one Kestrel handler, which reads and writes the JSON of POST /api/reservations: nothing (/empty),
/// PostgreSQL (/for-update, /conditional), a lock in Redis (/redis-lock), and one transaction for each order
/// (/confirm).
/// </summary>
internal static class RivalServer
{
    /// <summary>Serves until standard input ends, at the latest when the parent process ends.</summary>
    /// <param name="port">A port of the loopback interface.</param>
    /// <param name="postgres">The rivals' database.</param>
    /// <param name="redis">The Redis server of the product.</param>
    public static async Task RunAsync(int port, string postgres, string redis)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        await using var ledger = new PostgresRivals(NpgsqlDataSource.Create(postgres));
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        var locked = new RedisLockRival(connection.GetDatabase());

        var app = builder.Build();
        Map(app, "/empty", _ => ValueTask.FromResult<int?>(1));
        Map(app, "/for-update", ledger.LockRowAsync);
        Map(app, "/conditional", ledger.UpdateIfEnoughAsync);
        Map(app, "/confirm", ledger.OrderAsync);
        Map(app, "/redis-lock", locked.HoldAsync);
        await app.StartAsync();
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
    }

    private static void Map(WebApplication app, string path, Func<Hold, ValueTask<int?>> take) =>
        app.MapPost(path, new RequestDelegate(async http =>
        {
            var request = await JsonSerializer.DeserializeAsync(http.Request.Body, RivalJson.Default.Request);
            var id = Guid.CreateVersion7();
            var now = TimeProvider.System.GetUtcNow().UtcDateTime;
            var hold = new Hold(id, request!.ProductId, request.UserId, request.Quantity, now.AddSeconds(600));
            if (await take(hold) is not { } left)
            {
                http.Response.StatusCode = StatusCodes.Status409Conflict;
                return;
            }

            var body = JsonSerializer.SerializeToUtf8Bytes(
                new(id, hold.Customer, "pending", hold.ExpiresAt, 600, [new(hold.Sku, hold.Quantity)], left),
                RivalJson.Default.Response);
            http.Response.StatusCode = StatusCodes.Status201Created;
            http.Response.Headers.Location = $"/api/reservations/{id:D}";
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = body.Length;
            await http.Response.Body.WriteAsync(body);
        }));

    internal sealed record Request(string ProductId, string UserId, int Quantity, int? TtlSeconds);

    internal sealed record Item(string Sku, int Quantity);

    internal sealed record Response(Guid ReservationId, string CustomerId, string Status, DateTime ExpiresAt,
        int ExpiresInSeconds, IReadOnlyList<Item> Items, int RemainingStock);
}

/// <summary>One unit of work for a rival.</summary>
internal sealed record Hold(Guid Id, string Sku, string Customer, int Quantity, DateTime ExpiresAt);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RivalServer.Request))]
[JsonSerializable(typeof(RivalServer.Response))]
internal sealed partial class RivalJson : JsonSerializerContext;
