namespace Inventory.ReservationApi.Tests.Carts;

/// <summary>POST /commit sells the units that a cart holds.</summary>
public sealed class CartOrderTests(Shop shop) : IClassFixture<Shop>
{
    [Fact]
    public async Task A_cart_buys_its_hold_and_a_repeat_finds_the_order()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var cart = Api.Fresh("cart");
        var first = await ReserveAsync(cart, sku, 2);

        var bought = await CommitAsync(cart, sku);
        var again = await CommitAsync(cart, sku);
        var second = await ReserveAsync(cart, sku, 3);
        var repeated = await CommitAsync(cart, sku, first);
        var anew = await CommitAsync(cart, sku);

        Assert.Equal((200, 200, 200, 200), (bought.Status, again.Status, repeated.Status, anew.Status));
        Assert.Equal([bought.Text, bought.Text], [again.Text, repeated.Text]);
        Assert.Equal((first, second), (Reservation(bought), Reservation(anew)));
        Assert.Equal((2, 3), (Quantity(bought), Quantity(anew)));
        Assert.Equal((5, 5, 3), await shop.LevelsAsync(sku));
        var order = await shop.SendAsync("GET", $"/api/orders/{bought.Json.GetProperty("order_id").GetGuid()}");
        Assert.Equal(cart, order.Json.GetProperty("cartId").GetString());
    }

    [Fact]
    public async Task A_cart_without_a_hold_buys_nothing()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var (cart, other) = (Api.Fresh("cart"), Api.Fresh("cart"));
        var theirs = await ReserveAsync(other, sku, 2);

        (await CommitAsync(cart, sku)).AssertProblem(404, "reservation-not-found");
        (await CommitAsync(cart, sku, theirs)).AssertProblem(404, "reservation-not-found");
        (await CommitAsync(cart, " no such")).AssertProblem(400, "validation");
        Assert.Equal((10, 10, 1), await shop.LevelsAsync(sku));
    }

    private static Guid Reservation(Answer answer) => answer.Json.GetProperty("reservation_id").GetGuid();

    private static int Quantity(Answer answer) => answer.Json.GetProperty("qty").GetInt32();

    private async Task<Guid> ReserveAsync(string cart, string sku, int quantity)
    {
        var answer = await shop.SendAsync(
            "POST", "/reserve", $$"""{"cart_id":"{{cart}}","sku":"{{sku}}","qty":{{quantity}},"ttl_seconds":60}""");
        Assert.Equal(201, answer.Status);
        return Reservation(answer);
    }

    private Task<Answer> CommitAsync(string cart, string sku, Guid? reservation = null) => shop.SendAsync(
        "POST", "/commit", reservation is null
            ? $$"""{"cart_id":"{{cart}}","sku":"{{sku}}"}"""
            : $$"""{"cart_id":"{{cart}}","sku":"{{sku}}","reservation_id":"{{reservation}}"}""");
}
