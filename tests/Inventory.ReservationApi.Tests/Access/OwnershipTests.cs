using Inventory.Identity;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Access;

/// <summary>A shopper can read and change only their own reservations.</summary>
public sealed class OwnershipTests(Shop shop) : IClassFixture<Shop>
{
    private readonly string ann = ShopperSubject.Create();
    private readonly string bob = ShopperSubject.Create();

    private Api Api => shop.Api;

    // Shoppers call from a remote address.
    private Task<Answer> AsAsync(string shopper, string method, string path, string? json = null, string? key = null) =>
        Api.SendWithAsync(method, path, json,
        [
            "X-Forwarded-For: 203.0.113.9",
            $"X-Inventory-Shopper: {shopper}",
            .. key is null ? Array.Empty<string>() : [$"Idempotency-Key: {key}"],
        ]);

    private async Task<Guid> HoldAsync(string shopper, string sku, int quantity = 1)
    {
        var held = await AsAsync(shopper, "POST", "/api/reservations", Api.OneLine(sku, "somebody", quantity));
        Assert.Equal(201, held.Status);
        return held.Json.GetProperty("reservationId").GetGuid();
    }

    [Theory]
    [InlineData("""{"productId":"SKU","userId":"user-1","quantity":1}""")]
    [InlineData("""{"productId":"SKU","userId":"not a name!","quantity":1}""")]
    [InlineData("""{"productId":"SKU","quantity":1}""")]
    [InlineData("""{"customerId":"user-1","items":[{"sku":"SKU","quantity":1}]}""")]
    [InlineData("""{"items":[{"sku":"SKU","quantity":1}]}""")]
    public async Task A_reservation_belongs_to_the_shopper_of_the_session_and_not_to_the_name_in_the_body(string body)
    {
        var sku = await Api.NewSkuAsync(10);
        var held = await AsAsync(ann, "POST", "/api/reservations", body.Replace("SKU", sku));

        Assert.Equal(201, held.Status);
        Assert.Equal(ann, held.Json.GetProperty("customerId").GetString());
        // One active reservation for each customer and SKU: the same customer, the next name.
        var again = await AsAsync(ann, "POST", "/api/reservations", Api.OneLine(sku, "user-2", 1));
        again.AssertProblem(409, "active-reservation-exists");
        Assert.Equal(201, (await AsAsync(bob, "POST", "/api/reservations", Api.OneLine(sku, ann, 1))).Status);
    }

    [Theory]
    [InlineData("GET", "", null)]
    [InlineData("DELETE", "", null)]
    [InlineData("POST", "/extend", """{"addSeconds":60}""")]
    public async Task The_reservation_of_another_shopper_is_not_found(
        string method, string path, string? body)
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await HoldAsync(ann, sku);
        var never = Guid.NewGuid();
        foreach (var key in method == "GET" ? [null] : new[] { null, Api.Fresh("key") })
        {
            for (var repetition = 0; repetition < 2; repetition++)
            {
                var others = await AsAsync(bob, method, $"/api/reservations/{id}{path}", body, key);
                var unknown = await AsAsync(
                    bob, method, $"/api/reservations/{never}{path}", body, key is null ? null : key + "n");

                others.AssertProblem(404, "reservation-not-found");
                Assert.Equal(Anonymous(unknown, never), Anonymous(others, id));
                Assert.Equal(unknown.Header("Idempotent-Replayed"), others.Header("Idempotent-Replayed"));
            }
        }

        Assert.Equal(9, await Api.AvailableAsync(sku));
        var own = await AsAsync(ann, method, $"/api/reservations/{id}{path}", body);
        Assert.InRange(own.Status, 200, 204);

        static string Anonymous(Answer answer, Guid id)
        {
            var fields = answer.Json.EnumerateObject().Where(field => field.Name != "traceId")
                .Select(field => $"{field.Name}: {field.Value}".Replace($"{id}", "ID"));
            return string.Join("\n", fields);
        }
    }

    [Fact]
    public async Task An_order_of_another_shopper_is_not_found_even_after_Redis_lost_the_hold()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await HoldAsync(ann, sku);
        Assert.Equal(204, (await shop.SendAsync("POST", $"/api/reservations/{id}/confirm")).Status);
        var database = Api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        Assert.True(await database.KeyDeleteAsync($"{{inv:0}}:ended:{Stock.ReservationKey.Of(id)}"));

        var own = await AsAsync(ann, "GET", $"/api/reservations/{id}/order");
        Assert.Equal(200, own.Status);
        (await AsAsync(bob, "GET", $"/api/reservations/{id}/order")).AssertProblem(404, "order-not-found");
        var order = own.Json.GetProperty("orderId").GetGuid();
        Assert.Equal(200, (await AsAsync(ann, "GET", $"/api/orders/{order}")).Status);
        (await AsAsync(bob, "GET", $"/api/orders/{order}")).AssertProblem(404, "order-not-found");
    }

    [Fact]
    public async Task Carts_of_two_shoppers_are_separate_and_carts_of_one_share_a_limit()
    {
        var sku = await Api.NewSkuAsync(10, maxPerCustomer: 3);
        string Wish(string cart, int quantity) => $$"""{"sku":"{{sku}}","qty":{{quantity}},"cart_id":"{{cart}}"}""";
        string Which(string cart) => $$"""{"sku":"{{sku}}","cart_id":"{{cart}}"}""";

        var first = await AsAsync(ann, "POST", "/reserve", Wish("cart", 2));
        Assert.Equal((201, "cart"), (first.Status, first.Json.GetProperty("cart_id").GetString()));
        Assert.Equal(201, (await AsAsync(bob, "POST", "/reserve", Wish("cart", 3))).Status);
        Assert.Equal(201, (await Api.SendAsync("POST", "/reserve", Wish("cart", 1))).Status);
        (await AsAsync(ann, "POST", "/reserve", Wish("other", 2))).AssertProblem(409, "limit-exceeded");
        Assert.Equal(201, (await AsAsync(ann, "POST", "/reserve", Wish("other", 1))).Status);
        (await AsAsync(ann, "POST", "/api/reservations", Api.OneLine(sku, "u", 1)))
            .AssertProblem(409, "limit-exceeded");
        Assert.Equal(3, await Api.AvailableAsync(sku));

        Assert.Equal(200, (await AsAsync(bob, "POST", "/release", Which("cart"))).Status);
        (await AsAsync(bob, "POST", "/release", Which("other"))).AssertProblem(404, "reservation-not-found");
        Assert.Equal(6, await Api.AvailableAsync(sku));
        var id = first.Json.GetProperty("reservation_id").GetGuid();
        var found = await AsAsync(ann, "GET", $"/api/reservations/{id}");
        Assert.Equal(
            (ann, "cart"),
            (found.Json.GetProperty("customerId").GetString(), found.Json.GetProperty("cartId").GetString()));
        (await AsAsync(bob, "GET", $"/api/reservations/{id}")).AssertProblem(404, "reservation-not-found");
    }

    [Fact]
    public async Task Two_callers_may_use_one_idempotency_key_for_different_things()
    {
        var sku = await Api.NewSkuAsync(10);
        var (key, body) = (Api.Fresh("key"), Api.OneLine(sku, "u", 1));
        Answer[] answers =
        [
            await AsAsync(ann, "POST", "/api/reservations", body, key),
            await AsAsync(bob, "POST", "/api/reservations", body, key),
            await Api.SendWithAsync("POST", "/api/reservations", body,
                $"X-Api-Key: {Api.Key("reserve")}", $"Idempotency-Key: {key}"),
        ];

        Assert.All(answers, answer => Assert.Equal((201, null), (answer.Status, answer.Header("Idempotent-Replayed"))));
        var ids = answers.Select(answer => answer.Json.GetProperty("reservationId").GetGuid());
        Assert.Equal(3, ids.Distinct().Count());
        var repeated = await AsAsync(ann, "POST", "/api/reservations", body, key);
        Assert.Equal("true", repeated.Header("Idempotent-Replayed"));
        Assert.Equal(answers[0].Body, repeated.Body);
        Assert.Equal(7, await Api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a|b")]
    [InlineData("a:b")]
    [InlineData("a b")]
    public async Task A_malformed_shopper_header_identifies_no_shopper(string subject)
    {
        var sku = await Api.NewSkuAsync(10);
        var answer = await Api.SendWithAsync(
            "POST", "/api/reservations", Api.OneLine(sku, "u", 1), $"X-Inventory-Shopper: {subject}");
        answer.AssertProblem(401, "authentication-required");
        Assert.Equal(10, await Api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_backend_names_its_customers_and_can_change_the_holds_of_all()
    {
        var sku = await Api.NewSkuAsync(10);
        var id = await HoldAsync(ann, sku);
        var key = $"X-Api-Key: {Api.Key("reserve")}";
        // With an API key, the session is ignored.
        var held = await Api.SendWithAsync("POST", "/api/reservations", Api.OneLine(sku, "user-1", 1),
            key, $"X-Inventory-Shopper: {bob}");

        Assert.Equal((201, "user-1"), (held.Status, held.Json.GetProperty("customerId").GetString()));
        Assert.Equal(200, (await Api.SendWithAsync("DELETE", $"/api/reservations/{id}", null, key)).Status);
    }
}
