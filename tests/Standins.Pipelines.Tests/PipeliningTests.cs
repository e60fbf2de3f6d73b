using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

public sealed class PipeliningTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task A_hundred_thousand_pipelined_commands_get_their_own_answers_in_order()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        await CountAsync(redis, callers: 50, each: 2_000);
        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task A_socket_manager_with_threads_of_its_own_serves_too()
    {
        using var manager = new SocketManager("own threads", workerCount: 3);
        ConfigurationOptions options = Connect.Options(server.Port);
        options.SocketManager = manager;
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(options);
        await CountAsync(redis, callers: 20, each: 500);
    }

    [Fact]
    public async Task Synchronous_and_asynchronous_callers_share_a_connection()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();
        Task[] synchronous = [.. Enumerable.Range(0, 4).Select(caller => Task.Factory.StartNew(
            () =>
            {
                for (int i = 1; i <= 2_000; i++) Assert.Equal(i, db.StringIncrement($"sync-{caller}"));
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];

        await CountAsync(redis, callers: 10, each: 1_000);
        await Task.WhenAll(synchronous).WaitAsync(Connect.Patience);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Bytes_that_arrive_in_random_pieces_make_the_same_replies(int seed)
    {
        await using var proxy = new ChaosProxy(server.Port, seed);
        await using ConnectionMultiplexer redis = await Connect.To(proxy.Port);
        IDatabase db = redis.GetDatabase();
        var random = new Random(seed);
        var answers = new List<Task>();
        for (int i = 0; i < 300; i++)
        {
            byte[] value = new byte[random.Next(random.Next(10) == 0 ? 30_000 : 100)];
            random.NextBytes(value);
            answers.Add(EchoAsync(db, value));
            answers.Add(NestAsync(db, random.Next(random.Next(10) == 0 ? 300 : 4)));
        }

        await Task.WhenAll(answers).WaitAsync(Connect.Patience);
    }

    private static async Task EchoAsync(IDatabase db, byte[] value) =>
        Assert.Equal(value, (byte[]?)await db.ExecuteAsync("ECHO", value));

    private static async Task NestAsync(IDatabase db, int count)
    {
        const string script = "local a = {} for i = 1, tonumber(ARGV[1]) do a[i] = { i, { 'x' } } end return a";
        var rows = (RedisResult[])(await db.ScriptEvaluateAsync(script, values: [count]))!;
        Assert.Equal(Enumerable.Range(1, count), rows.Select(row => (int)row[0]));
        Assert.All(rows, row => Assert.Equal("x", (string?)row[1][0]));
    }

    private static async Task CountAsync(ConnectionMultiplexer redis, int callers, int each)
    {
        IDatabase db = redis.GetDatabase();
        RedisKey prefix = Guid.NewGuid().ToString("N");
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            RedisKey key = prefix.Append($":{caller}");
            Task<long>[] answers = [.. Enumerable.Range(0, each).Select(_ => db.StringIncrementAsync(key))];
            for (int i = 0; i < each; i++) Assert.Equal(i + 1, await answers[i]);
        }))).WaitAsync(Connect.Patience);
    }
}
