using Inventory.Identity;

namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>How many tickets of one shopper wait at a time.</summary>
public sealed class ShopperTicketTests
{
    [Fact]
    public async Task A_shopper_with_as_many_waiting_tickets_as_one_may_have_gets_no_further_one()
    {
        await using var waiting = await Waiting.StartAsync(("WaitingQueue:MaxPerShopper", "2"));
        var sku = await waiting.Api.NewSkuAsync(100);
        await waiting.KillAsync(sku);
        var ann = ShopperSubject.Create();
        var reserve = await SendAsync(waiting, ann, "/api/reservations", Api.OneLine(sku, "x", 1));
        var cart = await SendAsync(waiting, ann, "/reserve", CartOf(sku, "c"));
        Assert.Equal((202, 202), (reserve.Status, cart.Status));

        foreach (var further in new[]
        {
            await SendAsync(waiting, ann, "/api/reservations", Api.OneLine(sku, "y", 1)),
            await SendAsync(waiting, ann, "/reserve", CartOf(sku, "another")),
            await SendAsync(
                waiting, ann, "/api/reservations",
                $$"""{"items":[{"sku":"{{sku}}","quantity":1}],"onExisting":"replace"}"""),
        })
        {
            further.AssertProblem(409, "already-waiting");
            Assert.Equal(TicketOf(reserve), further.Json.GetProperty("ticket").GetString());
        }

        // Another shopper, and callers that name their customers themselves, have places of their own.
        Assert.Equal(
            202, (await SendAsync(waiting, ShopperSubject.Create(), "/reserve", CartOf(sku, "c"))).Status);
        for (var i = 0; i < 4; i++) await waiting.QueueAsync(sku);

        var cancelled = await waiting.Api.SendWithAsync(
            "DELETE", $"/api/queue/{TicketOf(reserve)}", null, [.. From(ann)]);
        Assert.Equal(200, cancelled.Status);
        Assert.Equal(202, (await SendAsync(waiting, ann, "/reserve", CartOf(sku, "another"))).Status);

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        Assert.Equal(1 + 1 + 1 + 4, await waiting.ReservedAsync(sku));
    }

    [Fact]
    public async Task A_repetition_gets_its_own_ticket_again_also_at_the_bound()
    {
        await using var waiting = await Waiting.StartAsync(("WaitingQueue:MaxPerShopper", "2"));
        var (sku, other, id) = (await waiting.Api.NewSkuAsync(9), await waiting.Api.NewSkuAsync(9), Guid.NewGuid());
        await waiting.KillAsync(sku);
        var ann = ShopperSubject.Create();
        string WithId(int quantity) =>
            $$"""{"productId":"{{other}}","userId":"x","quantity":{{quantity}},"reservationId":"{{id}}"}""";
        var keyed = await SendAsync(waiting, ann, "/reserve", CartOf(sku, "c"), "Idempotency-Key: one");
        var named = await SendAsync(waiting, ann, "/api/reservations", WithId(1));

        var keyedAgain = await SendAsync(waiting, ann, "/reserve", CartOf(sku, "c"), "Idempotency-Key: one");
        var namedAgain = await SendAsync(waiting, ann, "/api/reservations", WithId(1));
        Assert.Equal((202, TicketOf(keyed)), (keyedAgain.Status, TicketOf(keyedAgain)));
        Assert.Equal((202, TicketOf(named)), (namedAgain.Status, TicketOf(namedAgain)));
        // Another request under the same id is no repetition.
        (await SendAsync(waiting, ann, "/api/reservations", WithId(2))).AssertProblem(409, "already-waiting");

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        Assert.Equal((1, 1), (await waiting.ReservedAsync(sku), await waiting.ReservedAsync(other)));
    }

    [Fact]
    public async Task An_unanswered_call_of_a_shopper_who_gets_no_ticket_is_not_called_undone()
    {
        await using var waiting = await Waiting.StartAsync(
            ("WaitingQueue:MaxPerShopper", "1"), ("StockCircuit:Failures", "1000"));
        // Of the SKU of a waiting ticket, Redis isn't asked.
        var (sku, other) = (await waiting.Api.NewSkuAsync(9), await waiting.Api.NewSkuAsync(9));
        // Load the script first, so that the frozen Redis receives its call and not the load.
        await waiting.Api.HoldAsync(await waiting.Api.NewSkuAsync(1), 1);
        waiting.Api.Redis.Freeze();
        var ann = ShopperSubject.Create();
        Assert.Equal(202, (await SendAsync(waiting, ann, "/reserve", CartOf(sku, "c"))).Status);

        var second = await SendAsync(waiting, ann, "/reserve", CartOf(other, "c"));

        // Redis executes it when it thaws.
        second.AssertProblem(503, "stock-unavailable");
        Assert.Contains("outcome is unknown", second.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        waiting.Api.Redis.Thaw();
    }

    private static IEnumerable<string> From(string shopper) =>
        ["X-Forwarded-For: 203.0.113.9", $"X-Inventory-Shopper: {shopper}"];

    private static Task<Answer> SendAsync(
        Waiting waiting, string shopper, string path, string body, params string[] headers) =>
        waiting.Api.SendWithAsync("POST", path, body, [.. From(shopper), .. headers]);

    private static string CartOf(string sku, string cart) => $$"""{"sku":"{{sku}}","qty":1,"cart_id":"{{cart}}"}""";

    private static string TicketOf(Answer answer) => answer.Json.GetProperty("ticket").GetString()!;
}
