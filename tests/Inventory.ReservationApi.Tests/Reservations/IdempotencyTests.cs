namespace Inventory.ReservationApi.Tests.Reservations;

/// <summary>One key has one effect, and every retry gets the same bytes.</summary>
[Collection(ApiTests.Name)]
public sealed class IdempotencyTests(Api api)
{
    //   request; SKU has 5 units, ID is a pending reservation of 2 of them    status
    public static TheoryData<string, string, string?, int> Requests => new()
    {
        { "POST", "/api/reservations", """{"productId":"SKU","userId":"u","quantity":1}""", 201 },
        { "POST", "/api/reservations", """{"customerId":"u","items":[{"sku":"SKU","quantity":2}]}""", 201 },
        { "POST", "/api/reservations/ID/extend", """{"addSeconds":60}""", 200 },
        { "DELETE", "/api/reservations/ID", null, 200 },
        { "POST", "/reserve", """{"sku":"SKU","qty":1,"cart_id":"c-SKU"}""", 201 },
        {
            "POST", "/api/reservations/batch",
            """
            {"reservations":[{"productId":"SKU","userId":"b","quantity":1},{},
                             {"productId":"SKU","userId":"c","quantity":1}]}
            """,
            200
        },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_retry_gets_the_same_bytes_and_changes_nothing(
        string method, string path, string? body, int status)
    {
        var (sku, key) = (await api.NewSkuAsync(5), Api.Fresh("key"));
        path = path.Replace("ID", (await api.HoldAsync(sku, 2)).ToString(), StringComparison.Ordinal);
        body = body?.Replace("SKU", sku, StringComparison.Ordinal);

        var first = await api.SendAsync(method, path, body, key);
        var after = await api.Engine.Levels.SnapshotAsync(sku);
        var retry = await api.SendAsync(method, path, body, key);

        Assert.Equal((status, status), (first.Status, retry.Status));
        Assert.Equal(first.Text, retry.Text);
        Assert.Equal((null, "true"), (first.Header("Idempotent-Replayed"), retry.Header("Idempotent-Replayed")));
        Assert.Equal(first.Header("Location"), retry.Header("Location"));
        Assert.Equal((after.Reserved, after.Holds), await HeldAsync(sku));
    }

    [Theory]
    [InlineData("/api/reservations", """{"productId":"SKU","userId":"late","quantity":1}""")]
    [InlineData("/reserve", """{"sku":"SKU","cart_id":"late","qty":1}""")]
    [InlineData("/api/reservations/batch", """{"reservations":[{"productId":"SKU","userId":"late","quantity":1}]}""")]
    public async Task A_refusal_is_not_remembered_so_a_retry_gets_stock_that_is_available_again(
        string path, string body)
    {
        var (sku, key) = (await api.NewSkuAsync(5), Api.Fresh("key"));
        var holder = await api.HoldAsync(sku, 5);
        body = body.Replace("SKU", sku, StringComparison.Ordinal);
        var refused = await api.SendAsync("POST", path, body, key);
        await api.SendAsync("DELETE", $"/api/reservations/{holder}");
        var retry = await api.SendAsync("POST", path, body, key);

        Assert.Contains("insufficient-stock", refused.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("insufficient-stock", retry.Text, StringComparison.Ordinal);
        Assert.Null(retry.Header("Idempotent-Replayed"));
        Assert.Equal(4, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_key_of_a_batch_that_was_refused_is_still_its_own()
    {
        var (sku, key) = (await api.NewSkuAsync(5), Api.Fresh("key"));
        string Batch(int quantity) => $$"""{"reservations":[{{Api.OneLine(sku, "u", quantity)}}]}""";
        await api.SendAsync("POST", "/api/reservations/batch", Batch(9), key);

        var answer = await api.SendAsync("POST", "/api/reservations/batch", Batch(1), key);

        answer.AssertProblem(422, "idempotency-key-reused");
        Assert.Equal(5, await api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData("""{"productId":"SKU","userId":"u","quantity":2}""", "/api/reservations")]
    [InlineData("""{"productId":"SKU","userId":"u","quantity":1} """, "/api/reservations")]
    [InlineData("""{"sku":"SKU","cart_id":"c","qty":1}""", "/reserve")]
    public async Task A_key_of_another_request_is_refused_and_changes_nothing(string other, string path)
    {
        var (sku, key) = (await api.NewSkuAsync(5), Api.Fresh("key"));
        Assert.Equal(201, (await api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1), key)).Status);
        var answer = await api.SendAsync("POST", path, other.Replace("SKU", sku, StringComparison.Ordinal), key);
        answer.AssertProblem(422, "idempotency-key-reused");
        Assert.Null(answer.Header("Idempotent-Replayed"));
        Assert.Equal(4, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_key_of_another_batch_refuses_the_batch_as_a_whole()
    {
        var (sku, key) = (await api.NewSkuAsync(50), Api.Fresh("key"));
        string Batch(params string[] users) =>
            $$"""{"reservations":[{{string.Join(',', users.Select(user => Api.OneLine(sku, user, 1)))}}]}""";

        Assert.Equal(200, (await api.SendAsync("POST", "/api/reservations/batch", Batch("a", "b"), key)).Status);
        var answer = await api.SendAsync("POST", "/api/reservations/batch", Batch("c", "d", "e"), key);
        answer.AssertProblem(422, "idempotency-key-reused");
        Assert.Equal(48, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task Many_concurrent_retries_make_one_hold()
    {
        var (sku, key) = (await api.NewSkuAsync(50), Api.Fresh("key"));
        var body = Api.OneLine(sku, "u", 1);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => api.SendAsync("POST", "/api/reservations", body, key)));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Single(answers, answer => answer.Header("Idempotent-Replayed") is null);
        Assert.Equal(49, await api.AvailableAsync(sku));
    }

    private async Task<(int Reserved, int Holds)> HeldAsync(string sku)
    {
        var stock = await api.Engine.Levels.SnapshotAsync(sku);
        return (stock.Reserved, stock.Holds);
    }
}
