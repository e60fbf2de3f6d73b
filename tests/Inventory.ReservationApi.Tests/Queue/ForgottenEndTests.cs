namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>A ticket waits for a reservation that has ended, but Redis lost its data and with it that end.</summary>
public sealed class ForgottenEndTests
{
    [Theory]
    [InlineData("user-1", 1, "released", "granted")]
    [InlineData("user-2", 1, "released", "refused")]
    [InlineData("user-1", 2, "released", "refused")]
    [InlineData("user-1", 1, "confirmed", "granted")]
    public async Task A_reservation_whose_end_Redis_has_lost_is_not_held_again(
        string user, int quantity, string end, string status)
    {
        await using var waiting = await Waiting.StartAsync();
        var (sku, id) = (await waiting.Api.NewSkuAsync(10), Guid.NewGuid());
        await waiting.KillAsync(sku);
        var asked = await waiting.Api.SendAsync(
            "POST", "/api/reservations",
            $$"""{"productId":"{{sku}}","userId":"{{user}}","quantity":{{quantity}},"reservationId":"{{id}}"}""");
        Assert.Equal(202, asked.Status);
        await waiting.Shop.ExecuteAsync(
            $$"""
            INSERT INTO reservations (reservation_id, partition, holder, status, deadline, lines, sequence, created_at,
                updated_at)
            VALUES ('{{id}}', 0, 'u:user-1', 'released', now(), '[{"sku": "{{sku}}", "quantity": 1}]', 2, now(), now())
            """);
        // The confirmed event was lost; the order is in PostgreSQL.
        if (end == "confirmed")
        {
            await waiting.Shop.ExecuteAsync(
                $"""
                UPDATE reservations SET status = 'pending' WHERE reservation_id = '{id}';
                INSERT INTO orders (id, reservation_id, holder, customer_id, status, confirmed_at)
                VALUES ('{Guid.NewGuid()}', '{id}', 'u:user-1', 'user-1', 'CONFIRMED', now())
                """);
        }

        await waiting.RestartAsync();
        await waiting.DrainedAsync();

        var ticket = await waiting.Api.SendAsync(
            "GET", $"/api/queue/{asked.Json.GetProperty("ticket").GetString()}");
        Assert.Equal(status, ticket.Json.GetProperty("status").GetString());
        if (status == "granted")
        {
            Assert.Equal(end, ticket.Json.GetProperty("reservation").GetProperty("status").GetString());
        }

        Assert.Equal(0, await waiting.ReservedAsync(sku));
    }
}
