using System.Globalization;
using System.Text.Json;

namespace Inventory.ReservationApi.Tests.Reservations;

/// <summary>Reservations of customers, from the hold to its end.</summary>
[Collection(ApiTests.Name)]
public sealed class ReservationTests(Api api)
{
    [Fact]
    public async Task A_reservation_with_items_is_created_with_its_location()
    {
        var (first, second) = (await api.NewSkuAsync(10), await api.NewSkuAsync(5));
        var answer = await ReserveAsync($$"""
            {"customerId":"{{Api.Fresh("user")}}","ttlSeconds":90,
             "items":[{"sku":"{{first}}","quantity":1},{"sku":"{{second}}","quantity":5},
                      {"sku":"{{first}}","quantity":2}]}
            """);

        Assert.Equal(201, answer.Status);
        var json = answer.Json;
        Assert.Equal($"/api/reservations/{json.GetProperty("reservationId")}", answer.Header("Location"));
        Assert.Equal("pending", json.GetProperty("status").GetString());
        Assert.Equal(90, json.GetProperty("expiresInSeconds").GetInt32());
        Assert.EndsWith("Z", json.GetProperty("expiresAt").GetString());
        Assert.Equal(
            [(first, 3), (second, 5)],
            Pairs(json.GetProperty("items"), "quantity").Order());
        Assert.Equal(
            [(first, 7), (second, 0)],
            Pairs(json.GetProperty("remainingStock"), "available").Order());
        Assert.Equal(7, await api.AvailableAsync(first));
    }

    [Fact]
    public async Task The_one_line_form_gets_the_remaining_stock_as_a_number()
    {
        var sku = await api.NewSkuAsync(10);
        var answer = await ReserveAsync(Api.OneLine(sku, "user-1", 4));
        Assert.Equal(201, answer.Status);
        Assert.Equal(6, answer.Json.GetProperty("remainingStock").GetInt32());
        Assert.Equal("user-1", answer.Json.GetProperty("customerId").GetString());
        Assert.Equal(600, answer.Json.GetProperty("expiresInSeconds").GetInt32());
        Assert.Equal([(sku, 4)], Pairs(answer.Json.GetProperty("items"), "quantity"));
    }

    [Fact]
    public async Task A_reservation_is_read_extended_and_released()
    {
        var sku = await api.NewSkuAsync(10);
        var id = await api.HoldAsync(sku, 4);
        var held = await api.SendAsync("GET", $"/api/reservations/{id}");
        var extended = await api.SendAsync("POST", $"/api/reservations/{id}/extend", """{"addSeconds":60}""");
        var released = await api.SendAsync("DELETE", $"/api/reservations/{id}");
        var again = await api.SendAsync("DELETE", $"/api/reservations/{id}");
        var ended = await api.SendAsync("GET", $"/api/reservations/{id}");

        Assert.Equal((200, "pending"), (held.Status, Status(held)));
        Assert.Equal(200, extended.Status);
        Assert.Equal(60, (ExpiresAt(extended) - ExpiresAt(held)).TotalSeconds);
        Assert.Equal((200, "released"), (released.Status, Status(released)));
        Assert.Equal((200, "released"), (again.Status, Status(again)));
        Assert.Equal((200, "released"), (ended.Status, Status(ended)));
        Assert.Equal(0, ended.Json.GetProperty("expiresInSeconds").GetInt32());
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task An_expired_hold_is_neither_extended_nor_released()
    {
        var sku = await api.NewSkuAsync(10);
        var id = await api.HoldAsync(sku, 4);
        await api.ExpireAsync(sku, id);

        var extended = await api.SendAsync("POST", $"/api/reservations/{id}/extend", """{"addSeconds":60}""");
        extended.AssertProblem(409, "hold-expired");
        Assert.Equal(id, extended.Json.GetProperty("reservationId").GetGuid());
        Assert.Equal("expired", extended.Json.GetProperty("reservationStatus").GetString());
        (await api.SendAsync("DELETE", $"/api/reservations/{id}")).AssertProblem(409, "hold-expired");
        Assert.Equal("expired", Status(await api.SendAsync("GET", $"/api/reservations/{id}")));
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_released_reservation_is_not_extended()
    {
        var id = await api.HoldAsync(await api.NewSkuAsync(10), 4);
        await api.SendAsync("DELETE", $"/api/reservations/{id}");
        var answer = await api.SendAsync("POST", $"/api/reservations/{id}/extend", """{"addSeconds":60}""");
        answer.AssertProblem(409, "reservation-ended");
        Assert.Equal("released", answer.Json.GetProperty("reservationStatus").GetString());
    }

    [Fact]
    public async Task A_hold_has_a_maximum_lifetime()
    {
        var id = await api.HoldAsync(await api.NewSkuAsync(10), 1);
        Answer answer;
        // The lifetime is two hours at most: each step adds an hour, and the last one adds the rest.
        var steps = 0;
        do answer = await api.SendAsync("POST", $"/api/reservations/{id}/extend", """{"addSeconds":3600}""");
        while (answer.Status == 200 && ++steps < 5);
        answer.AssertProblem(409, "lifetime-capped");
        Assert.Equal(2, steps);
    }

    [Theory]
    [InlineData("GET", "", null)]
    [InlineData("DELETE", "", null)]
    [InlineData("POST", "/extend", """{"addSeconds":60}""")]
    public async Task An_unknown_reservation_is_not_found(string method, string suffix, string? body)
    {
        var answer = await api.SendAsync(method, $"/api/reservations/{Guid.NewGuid()}{suffix}", body);
        answer.AssertProblem(404, "reservation-not-found");
    }

    [Fact]
    public async Task A_refusal_for_lack_of_stock_has_the_available_units()
    {
        var (enough, scarce) = (await api.NewSkuAsync(10), await api.NewSkuAsync(3));
        var answer = await ReserveAsync($$"""
            {"customerId":"u-scarce","items":[{"sku":"{{enough}}","quantity":1},{"sku":"{{scarce}}","quantity":4}]}
            """);
        answer.AssertProblem(409, "insufficient-stock");
        Assert.Equal(
            [(enough, 10), (scarce, 3)],
            Pairs(answer.Json.GetProperty("available"), "available").Order());
        Assert.Equal((10, 3), (await api.AvailableAsync(enough), await api.AvailableAsync(scarce)));
    }

    [Fact]
    public async Task A_customer_who_already_holds_the_SKU_is_refused_and_may_replace_the_hold()
    {
        var sku = await api.NewSkuAsync(5);
        var first = await ReserveAsync(Api.OneLine(sku, "user-of-" + sku, 5));
        var firstId = first.Json.GetProperty("reservationId").GetGuid();

        var refused = await ReserveAsync(Api.OneLine(sku, "user-of-" + sku, 3));
        refused.AssertProblem(409, "active-reservation-exists");
        Assert.Equal(firstId, refused.Json.GetProperty("reservationId").GetGuid());
        Assert.Equal(ExpiresAt(first), ExpiresAt(refused));
        Assert.Equal(sku, refused.Json.GetProperty("sku").GetString());
        Assert.Contains("replace", refused.Json.GetProperty("hint").GetString(), StringComparison.Ordinal);

        var replaced = await ReserveAsync(
            $$"""{"productId":"{{sku}}","userId":"user-of-{{sku}}","quantity":3,"onExisting":"replace"}""");
        Assert.Equal((201, 2), (replaced.Status, await api.AvailableAsync(sku)));
        Assert.Equal("released", Status(await api.SendAsync("GET", $"/api/reservations/{firstId}")));
    }

    [Fact]
    public async Task A_limit_per_customer_covers_all_their_reservations()
    {
        var sku = await api.NewSkuAsync(10, maxPerCustomer: 3);
        Assert.Equal(201, (await ReserveAsync(Api.OneLine(sku, "user-of-" + sku, 2))).Status);
        var refused = await ReserveAsync(Api.OneLine(sku, "user-of-" + sku, 2));
        refused.AssertProblem(409, "limit-exceeded");
        Assert.Equal(3, refused.Json.GetProperty("limit").GetInt32());
        Assert.Equal(2, refused.Json.GetProperty("units").GetInt32());
        Assert.Equal(201, (await ReserveAsync(Api.OneLine(sku, "user-of-" + sku, 1))).Status);
        Assert.Equal(7, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_paused_sku_is_not_sold()
    {
        var sku = await api.NewSkuAsync(10, paused: true);
        var answer = await ReserveAsync(Api.OneLine(sku, "u", 1));
        answer.AssertProblem(409, "sku-paused");
        Assert.Equal(sku, answer.Json.GetProperty("sku").GetString());
    }

    [Fact]
    public async Task An_unknown_sku_is_not_found()
    {
        (await ReserveAsync(Api.OneLine("no-such-sku", "u", 1))).AssertProblem(404, "unknown-sku");
        (await api.SendAsync("GET", "/api/stock/no-such-sku")).AssertProblem(404, "unknown-sku");
        (await api.SendAsync("GET", "/snapshot/no-such-sku")).AssertProblem(404, "unknown-sku");
    }

    [Fact]
    public async Task A_reservation_id_chosen_by_the_client_always_means_the_same_reservation()
    {
        var (sku, id) = (await api.NewSkuAsync(10), Guid.NewGuid());
        string Body(int quantity) =>
            $$"""{"productId":"{{sku}}","userId":"u","quantity":{{quantity}},"reservationId":"{{id}}"}""";

        Assert.Equal(201, (await ReserveAsync(Body(2))).Status);
        var again = await ReserveAsync(Body(2));
        Assert.Equal((200, "pending"), (again.Status, Status(again)));
        (await ReserveAsync(Body(3))).AssertProblem(422, "reservation-id-reused");
        await api.SendAsync("DELETE", $"/api/reservations/{id}");
        var ended = await ReserveAsync(Body(2));
        Assert.Equal((200, "released"), (ended.Status, Status(ended)));
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task The_stock_level_is_shown()
    {
        var sku = await api.NewSkuAsync(10, maxPerCustomer: 5);
        await api.HoldAsync(sku, 4);
        var json = (await api.SendAsync("GET", $"/api/stock/{sku}")).Json;
        Assert.Equal(
            (sku, 10, 4, 6, 1, 1, 5, false),
            (json.GetProperty("sku").GetString(), json.GetProperty("total").GetInt32(),
                json.GetProperty("reserved").GetInt32(), json.GetProperty("available").GetInt32(),
                json.GetProperty("holds").GetInt32(), json.GetProperty("version").GetInt32(),
                json.GetProperty("maxPerCustomer").GetInt32(), json.GetProperty("paused").GetBoolean()));
    }

    private Task<Answer> ReserveAsync(string body) => api.SendAsync("POST", "/api/reservations", body);

    private static string Status(Answer answer) => answer.Json.GetProperty("status").GetString()!;

    private static DateTimeOffset ExpiresAt(Answer answer) => DateTimeOffset.Parse(
        answer.Json.GetProperty("expiresAt").GetString()!, CultureInfo.InvariantCulture);

    private static IEnumerable<(string Sku, int Number)> Pairs(JsonElement list, string number) =>
        from line in list.EnumerateArray()
        select (line.GetProperty("sku").GetString()!, line.GetProperty(number).GetInt32());
}
