using Inventory.Storage;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests;

/// <summary>Without Redis nothing is sold, every call gets a 503 at once, and the API recovers by itself.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private readonly Api api = new();

    public Task InitializeAsync() => api.InitializeAsync();

    public Task DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task A_killed_Redis_causes_503_until_it_is_back_and_loses_no_acknowledged_hold()
    {
        var sku = await api.NewSkuAsync(10);
        var id = await api.HoldAsync(sku, 2);
        await api.Redis.KillAsync();

        string[] calls =
        [
            "GET /api/stock/" + sku, "GET /snapshot/" + sku, "GET /events", "GET /api/reservations/" + id,
            "DELETE /api/reservations/" + id,
        ];
        foreach (var call in calls)
        {
            var parts = call.Split(' ');
            AssertUnavailable(await api.SendAsync(parts[0], parts[1]));
        }
        AssertUnavailable(await api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1)));
        AssertUnavailable(await api.SendAsync("POST", "/reserve", $$"""{"sku":"{{sku}}","qty":1,"cart_id":"c"}"""));
        var batch = await api.SendAsync("POST", "/api/reservations/batch",
            $$"""{"reservations":[{{Api.OneLine(sku, "u", 1)}},{{Api.OneLine(sku, "v", 1)}}]}""");
        Assert.All(batch.Json.GetProperty("outcomes").EnumerateArray(),
            one => Assert.Equal(503, one.GetProperty("status").GetInt32()));
        Assert.Equal((503, 200),
            ((await api.SendAsync("GET", "/health")).Status, (await api.SendAsync("GET", "/alive")).Status));

        await api.Redis.RestartAsync();
        // A restarted server is fenced until its data has been verified.
        await CheckedAsync();
        var found = await UntilServingAsync(() => api.SendAsync("GET", $"/api/reservations/{id}"));
        Assert.True(found.Status == 200, found.Text);
        Assert.Equal("pending", found.Json.GetProperty("status").GetString());
        Assert.Equal(8, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_redis_that_lost_its_data_sells_nothing()
    {
        var sku = await api.NewSkuAsync(10);
        await api.Redis.KillAsync();
        api.Redis.LoseData();
        await api.Redis.RestartAsync();

        await Eventually.TrueAsync(async () =>
        {
            var answer = await api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1));
            AssertUnavailable(answer);
            return answer.Text.Contains("being checked", StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_timeout_of_Redis_leaves_the_outcome_unknown_and_a_retry_with_the_key_settles_it()
    {
        var sku = await api.NewSkuAsync(10);
        api.Redis.Freeze();
        var unknown = await api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1), "the-key");
        api.Redis.Thaw();
        AssertUnavailable(unknown);
        Assert.Contains("Idempotency-Key", unknown.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);

        var retry = await UntilServingAsync(
            () => api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1), "the-key"));
        Assert.Equal(201, retry.Status);
        Assert.Equal(9, await api.AvailableAsync(sku));
    }

    private Task CheckedAsync() => Eventually.TrueAsync(
        async () =>
        {
            await api.Engine.Maintenance.LiftFenceAsync();
            return true;
        },
        isTransient: Api.IsReconnecting);

    private static void AssertUnavailable(Answer answer)
    {
        answer.AssertProblem(503, "stock-unavailable");
        Assert.NotNull(answer.Headers.RetryAfter?.Delta);
    }

    private static Task<Answer> UntilServingAsync(Func<Task<Answer>> call) =>
        Eventually.GetAsync(call, answer => answer.Status != 503);
}
