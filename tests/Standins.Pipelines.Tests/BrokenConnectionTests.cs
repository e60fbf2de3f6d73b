using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

public sealed class BrokenConnectionTests
{
    [Fact]
    public async Task Resets_end_every_pending_command_and_the_client_reconnects()
    {
        await using var server = new RedisServer();
        await server.StartAsync();
        await using var proxy = new ChaosProxy(server.Port);
        await using ConnectionMultiplexer redis = await Connect.To(proxy.Port);
        IDatabase db = redis.GetDatabase();
        await db.PingAsync();

        for (int round = 0; round < 5; round++)
        {
            Task restored = Restored(redis);
            proxy.HoldAnswers = true;
            Task[] pending = [.. Enumerable.Range(0, 500).Select(i => db.StringSetAsync($"k{i}", new byte[i * 10]))];
            await FirstByteTakenAsync(server, round);
            Assert.NotEqual(0, proxy.ResetAll());

            await EndedAsync(pending);
            await restored.WaitAsync(Connect.Patience);
            Assert.True(await db.StringSetAsync("after", round));
            Assert.Equal(round, (int)await db.StringGetAsync("after"));
        }

        await redis.CloseAsync();
        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task A_killed_server_ends_every_pending_command_and_its_successor_is_used()
    {
        await using var server = new RedisServer();
        await server.StartAsync();
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();
        await db.PingAsync();

        for (int round = 0; round < 3; round++)
        {
            Task failed = Failed(redis);
            Task restored = Restored(redis);
            using var stop = new CancellationTokenSource();
            Task[] callers = [.. Enumerable.Range(0, 20).Select(_ => CallUntilAsync(db, stop.Token))];
            await db.PingAsync();
            await server.KillAsync();

            await failed.WaitAsync(Connect.Patience);
            await server.StartAsync();
            await restored.WaitAsync(Connect.Patience);
            await stop.CancelAsync();
            await EndedAsync(callers);
            Assert.True(await db.StringSetAsync("after", round));
        }

        await redis.CloseAsync();
        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task Disposing_the_client_ends_what_is_pending()
    {
        await using var server = new RedisServer();
        await server.StartAsync();
        await using var proxy = new ChaosProxy(server.Port);
        ConnectionMultiplexer redis = await Connect.To(proxy.Port);
        IDatabase db = redis.GetDatabase();
        await db.PingAsync();
        proxy.HoldAnswers = true;
        Task[] pending = [.. Enumerable.Range(0, 200).Select(_ => db.PingAsync())];

        await redis.CloseAsync(allowCommandsToComplete: false);
        await redis.DisposeAsync();

        await EndedAsync(pending);
        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task Nobody_listening_is_reported_and_not_waited_for()
    {
        ConfigurationOptions options = Connect.Options(RedisServer.FreePort());
        options.AbortOnConnectFail = true;
        options.ConnectTimeout = 1_000;
        options.ConnectRetry = 1;

        await Assert.ThrowsAsync<RedisConnectionException>(
            () => ConnectionMultiplexer.ConnectAsync(options).WaitAsync(Connect.Patience));
    }

    [Fact]
    public async Task A_listener_that_accepts_nobody_is_given_up_after_the_connect_timeout()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        ConfigurationOptions options = Connect.Options(((System.Net.IPEndPoint)silent.LocalEndpoint).Port);
        options.AbortOnConnectFail = true;
        options.ConnectTimeout = 300;
        options.ConnectRetry = 1;

        await Assert.ThrowsAsync<RedisConnectionException>(
            () => ConnectionMultiplexer.ConnectAsync(options).WaitAsync(Connect.Patience));
    }

    /// <summary>Waits until the server itself, asked on another connection, has executed one of the commands.</summary>
    private static async Task FirstByteTakenAsync(RedisServer server, int round)
    {
        await using ConnectionMultiplexer other = await Connect.To(server.Port);
        while (!await other.GetDatabase().KeyExistsAsync("k0")) await Task.Yield();
        Assert.True(await other.GetDatabase().KeyDeleteAsync("k0"), $"round {round}");
    }

    private static Task Failed(ConnectionMultiplexer redis)
    {
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        redis.ConnectionFailed += (_, e) =>
        {
            if (e.ConnectionType == ConnectionType.Interactive) failed.TrySetResult();
        };
        return failed.Task;
    }

    private static Task Restored(ConnectionMultiplexer redis)
    {
        var restored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        redis.ConnectionRestored += (_, e) =>
        {
            if (e.ConnectionType == ConnectionType.Interactive) restored.TrySetResult();
        };
        return restored.Task;
    }

    private static async Task CallUntilAsync(IDatabase db, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await db.StringIncrementAsync("calls");
            }
            catch (Exception e) when (e is RedisException or RedisTimeoutException)
            {
                // What the outage is expected to do to a caller.
                await Task.Yield();
            }
        }
    }

    /// <summary>Every task ends, whether well or not, long before a command would time out.</summary>
    private static async Task EndedAsync(Task[] pending)
    {
        foreach (Task task in pending)
        {
            await task.WaitAsync(Connect.Patience / 2).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.True(task.IsCompleted);
            Assert.True(task.Exception?.InnerException is null or RedisException, task.Exception?.ToString());
        }
    }
}
