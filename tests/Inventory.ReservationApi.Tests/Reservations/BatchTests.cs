using System.Text.Json;

namespace Inventory.ReservationApi.Tests.Reservations;

/// <summary>Many reservations in one call: each succeeds or fails by itself.</summary>
[Collection(ApiTests.Name)]
public sealed class BatchTests(Api api)
{
    [Fact]
    public async Task Each_reservation_has_its_own_outcome_in_order()
    {
        var (sku, id) = (await api.NewSkuAsync(5), Guid.NewGuid());
        var answer = await api.SendAsync("POST", "/api/reservations/batch", $$"""
            {"reservations":[
              {"productId":"{{sku}}","userId":"a","quantity":2},
              {"customerId":"b","items":[{"sku":"{{sku}}","quantity":9}]},
              {"productId":"missing","userId":"c","quantity":1},
              {"productId":"{{sku}}","userId":"d","quantity":0},
              null,
              {"customerId":"e","items":[{"sku":"{{sku}}","quantity":1}],"reservationId":"{{id}}"}]}
            """);

        Assert.Equal(200, answer.Status);
        var outcomes = answer.Json.GetProperty("outcomes").EnumerateArray().ToList();
        Assert.Equal([201, 409, 404, 400, 400, 201], outcomes.Select(one => one.GetProperty("status").GetInt32()));
        Assert.Equal("a", outcomes[0].GetProperty("reservation").GetProperty("customerId").GetString());
        Assert.Equal("/problems/insufficient-stock", Type(outcomes[1]));
        Assert.Equal("/problems/unknown-sku", Type(outcomes[2]));
        Assert.Equal("/problems/validation", Type(outcomes[3]));
        Assert.Equal("/problems/validation", Type(outcomes[4]));
        Assert.Equal(id, outcomes[5].GetProperty("reservation").GetProperty("reservationId").GetGuid());
        Assert.Equal(2, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_batch_of_a_hundred_is_accepted_and_a_larger_one_is_refused()
    {
        var sku = await api.NewSkuAsync(150);
        var full = await api.SendAsync("POST", "/api/reservations/batch", Batch(sku, 100));
        Assert.Equal(200, full.Status);
        Assert.All(full.Json.GetProperty("outcomes").EnumerateArray(),
            one => Assert.Equal(201, one.GetProperty("status").GetInt32()));
        (await api.SendAsync("POST", "/api/reservations/batch", Batch(sku, 101))).AssertProblem(400, "validation");
        Assert.Equal(50, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_wrong_shape_anywhere_holds_nothing()
    {
        var sku = await api.NewSkuAsync(5);
        var answer = await api.SendAsync("POST", "/api/reservations/batch",
            $$"""{"reservations":[{"productId":"{{sku}}","userId":"a","quantity":1},{"prodId":1}]}""");
        answer.AssertProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty("reservations[1].prodId", out _));
        Assert.Equal(5, await api.AvailableAsync(sku));
    }

    private static string Batch(string sku, int count)
    {
        var reservations = Enumerable.Range(0, count).Select(i => Api.OneLine(sku, $"u{i}", 1));
        return $$"""{"reservations":[{{string.Join(',', reservations)}}]}""";
    }

    private static string? Type(JsonElement outcome) => outcome.GetProperty("problem").GetProperty("type").GetString();
}
