using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Operations;

/// <summary>Operators get a report of Redis, also during an outage.</summary>
public sealed class RedisReportTests : IAsyncLifetime
{
    private readonly Api api = new();

    public Task InitializeAsync() => api.InitializeAsync();

    public Task DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task The_figures_come_from_Redis()
    {
        var sku = await api.NewSkuAsync(10);
        await RunAsync("CONFIG", "SET", "slowlog-log-slower-than", 0);
        await api.HoldAsync(sku, 1);

        var redis = await ReadAsync();

        Assert.True(redis.GetProperty("connected").GetBoolean());
        // Redis in tests writes at once and lets the kernel sync, as in the product.
        Assert.Empty(redis.GetProperty("warnings").EnumerateArray());
        Assert.Equal((long)await RunAsync("DBSIZE"), redis.GetProperty("keys").GetInt64());
        Assert.True(redis.GetProperty("uptimeSeconds").GetInt64() >= 0);
        var latency = redis.GetProperty("latency");
        var slowest = latency.GetProperty("maxMilliseconds").GetDouble();
        Assert.InRange(latency.GetProperty("p50Milliseconds").GetDouble(), 0.001, slowest);
        var memory = redis.GetProperty("memory");
        Assert.InRange(memory.GetProperty("usedBytes").GetInt64(), 1, memory.GetProperty("peakBytes").GetInt64());
        Assert.Equal("noeviction", memory.GetProperty("policy").GetString());
        var persistence = redis.GetProperty("persistence");
        Assert.Equal(
            (true, "no", "ok"),
            (persistence.GetProperty("aof").GetBoolean(), persistence.GetProperty("fsync").GetString(),
                persistence.GetProperty("lastWrite").GetString()));
        Assert.Equal("master", redis.GetProperty("replication").GetProperty("role").GetString());
        var slow = redis.GetProperty("slowLog").EnumerateArray().ToList();
        Assert.Contains(slow, one => one.GetProperty("command").GetString() == "EVALSHA reserve"
            || one.GetProperty("command").GetString() == "EVAL of others");
        // Arguments contain names of customers, so they must not be shown.
        Assert.DoesNotContain(slow, one => one.GetProperty("command").GetString()!.Contains("user-"));
    }

    [Fact]
    public async Task A_Redis_that_may_lose_or_evict_data_causes_warnings()
    {
        await RunAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        await RunAsync("CONFIG", "SET", "appendonly", "no");

        var warnings = (await ReadAsync()).GetProperty("warnings").EnumerateArray().Select(one => one.GetString()!);

        Assert.Collection(
            warnings,
            one => Assert.StartsWith("maxmemory-policy is allkeys-lru", one, StringComparison.Ordinal),
            one => Assert.StartsWith("The append-only file is off", one, StringComparison.Ordinal));
    }

    [Theory]
    //          aof    fsync       message
    [InlineData("yes", "no", "Nothing when its process dies. When its machine dies, what it wrote in the last 30 s")]
    [InlineData("yes", "everysec", "Up to 2 s, when its process or its machine dies")]
    [InlineData("yes", "always", "Nothing, unless the disk loses data")]
    [InlineData("no", "no", "Everything")]
    public async Task The_report_says_which_data_Redis_may_lose(string aof, string fsync, string said)
    {
        await RunAsync("CONFIG", "SET", "appendfsync", fsync);
        await RunAsync("CONFIG", "SET", "appendonly", aof);

        var persistence = (await ReadAsync()).GetProperty("persistence");

        Assert.StartsWith(said, persistence.GetProperty("mayLose").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_report_says_when_Redis_is_unavailable(bool freeze)
    {
        if (freeze) api.Redis.Freeze();
        else await api.Redis.KillAsync();

        var redis = await ReadAsync();

        Assert.False(redis.GetProperty("connected").GetBoolean());
        Assert.NotEmpty(redis.GetProperty("reason").GetString()!);
        Assert.False(redis.TryGetProperty("memory", out _));
        if (freeze) api.Redis.Thaw();
    }

    private async Task<JsonElement> ReadAsync()
    {
        var answer = await api.SendWithAsync("GET", "/api/operations/redis", null, [Shop.AsAdministrator]);
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private Task<RedisResult> RunAsync(string command, params object[] arguments) =>
        api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().ExecuteAsync(command, arguments);
}
