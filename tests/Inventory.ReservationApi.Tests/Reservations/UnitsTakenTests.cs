using Inventory.Contracts;

namespace Inventory.ReservationApi.Tests.Reservations;

/// <summary>An answer tells the gateway's guard the units that this request took from stock.</summary>
[Collection(ApiTests.Name)]
public sealed class UnitsTakenTests(Api api)
{
    private const string Header = "X-Inventory-Units-Taken";

    [Fact]
    public async Task A_hold_reports_its_units_by_SKU_and_a_repetition_reports_none()
    {
        var (one, other) = (await api.NewSkuAsync(10), await api.NewSkuAsync(10));
        var body = $$"""
            {"customerId":"{{Api.Fresh("user")}}","reservationId":"{{Guid.NewGuid()}}","items":[
             {"sku":"{{one}}","quantity":2},{"sku":"{{other}}","quantity":1},{"sku":"{{one}}","quantity":3}]}
            """;

        var held = await api.SendAsync("POST", "/api/reservations", body);
        var again = await api.SendAsync("POST", "/api/reservations", body);

        Assert.Equal((201, 200), (held.Status, again.Status));
        Assert.Equal($"{one}=5,{other}=1", held.Header(Header));
        Assert.Null(again.Header(Header));
    }

    [Fact]
    public async Task A_replayed_answer_reports_no_units()
    {
        var sku = await api.NewSkuAsync(10);
        var body = $$"""{"productId":"{{sku}}","userId":"{{Api.Fresh("user")}}","quantity":2}""";
        var key = Api.Fresh("key");

        var held = await api.SendAsync("POST", "/api/reservations", body, key);
        var again = await api.SendAsync("POST", "/api/reservations", body, key);

        Assert.Equal((201, 201), (held.Status, again.Status));
        Assert.Equal($"{sku}=2", held.Header(Header));
        Assert.Null(again.Header(Header));
    }

    [Fact]
    public async Task A_refusal_reports_no_units()
    {
        var sku = await api.NewSkuAsync(1);

        var refused = await api.SendAsync(
            "POST", "/api/reservations", $$"""{"productId":"{{sku}}","userId":"user","quantity":2}""");

        Assert.Equal(409, refused.Status);
        Assert.Null(refused.Header(Header));
    }

    [Fact]
    public async Task A_cart_reports_only_its_additional_units()
    {
        var sku = await api.NewSkuAsync(10);
        var cart = Api.Fresh("cart");
        var told = new List<string?>();
        foreach (var quantity in new[] { 2, 2, 7, 3 })
        {
            var answer = await api.SendAsync(
                "POST", "/reserve", $$"""{"sku":"{{sku}}","qty":{{quantity}},"cart_id":"{{cart}}"}""");
            Assert.InRange(answer.Status, 200, 201);
            told.Add(answer.Header(Header));
        }

        Assert.Equal([$"{sku}=2", null, $"{sku}=5", null], told);
    }

    [Fact]
    public async Task A_cart_reports_its_units_once_under_a_key()
    {
        var sku = await api.NewSkuAsync(10);
        var body = $$"""{"sku":"{{sku}}","qty":3,"cart_id":"{{Api.Fresh("cart")}}"}""";
        var key = Api.Fresh("key");

        var held = await api.SendAsync("POST", "/reserve", body, key);
        var again = await api.SendAsync("POST", "/reserve", body, key);

        Assert.Equal(($"{sku}=3", null), (held.Header(Header), again.Header(Header)));
    }

    [Fact]
    public async Task A_batch_reports_the_units_of_all_its_reservations()
    {
        var (one, other) = (await api.NewSkuAsync(3), await api.NewSkuAsync(10));
        string Item(string sku, int quantity) =>
            $$"""{"productId":"{{sku}}","userId":"{{Api.Fresh("user")}}","quantity":{{quantity}}}""";

        // The first SKU has too few units for the last item.
        var answer = await api.SendAsync(
            "POST", "/api/reservations/batch",
            $$"""{"reservations":[{{Item(one, 1)}},{{Item(other, 4)}},{{Item(one, 2)}},{{Item(one, 9)}}]}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal($"{other}=4,{one}=3", answer.Header(Header));
    }

    [Fact]
    public async Task More_units_than_a_total_can_be_are_reported_as_the_most_that_the_guard_reads()
    {
        var sku = await api.NewSkuAsync(int.MaxValue);
        var one = $$"""
            {"customerId":"{{Api.Fresh("user")}}","onExisting":"replace","items":[
             {"sku":"{{sku}}","quantity":{{int.MaxValue}}}]}
            """;

        var answer = await api.SendAsync("POST", "/api/reservations/batch", $$"""{"reservations":[{{one}},{{one}}]}""");

        Assert.All(
            answer.Json.GetProperty("outcomes").EnumerateArray(),
            outcome => Assert.Equal(201, outcome.GetProperty("status").GetInt32()));
        Assert.Equal((sku, int.MaxValue), Assert.Single(TakenUnitsText.Read(answer.Header(Header))));
    }
}
