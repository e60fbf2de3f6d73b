using System.Globalization;
using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

public sealed class RepliesTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Tiny_replies_of_every_kind_arrive()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();

        Assert.True(await db.StringSetAsync("tiny", "x"));
        Assert.Equal("x", (string?)await db.StringGetAsync("tiny"));
        Assert.True((await db.StringGetAsync("absent")).IsNull);
        Assert.Empty(await db.SetMembersAsync("absent"));
        Assert.Equal(1, await db.StringIncrementAsync("tiny-count"));
        var refused = await Assert.ThrowsAsync<RedisServerException>(() => db.StringIncrementAsync("tiny"));
        Assert.Contains("not an integer", refused.Message, StringComparison.Ordinal);
        int[]? two = (int[]?)await db.ScriptEvaluateAsync("return {1, 2}");
        Assert.Equal(new[] { 1, 2 }, two!);
        Assert.Empty((RedisResult[])(await db.ScriptEvaluateAsync("return {}"))!);
        Assert.True((await db.ScriptEvaluateAsync("return nil")).IsNull);
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(64 * 1024 * 1024)]
    public async Task A_large_value_comes_back_as_it_was_written(int length)
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();
        byte[] value = new byte[length];
        new Random(length).NextBytes(value);

        await db.StringSetAsync($"large-{length}", value);
        byte[]? read = await db.StringGetAsync($"large-{length}");

        Assert.True(value.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public async Task Nested_arrays_keep_their_shape()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        const string script = """
            local rows = {}
            for i = 1, tonumber(ARGV[1]) do rows[i] = { i, 'row ' .. i, { i * 2, {} } } end
            return rows
            """;

        foreach (int count in new[] { 1, 300, 20_000, 3 })
        {
            var rows = (RedisResult[])(await redis.GetDatabase().ScriptEvaluateAsync(script, values: [count]))!;

            Assert.Equal(count, rows.Length);
            for (int i = 1; i <= count; i++)
            {
                var row = (RedisResult[])rows[i - 1]!;
                Assert.Equal(i, (int)row[0]);
                Assert.Equal("row " + i.ToString(CultureInfo.InvariantCulture), (string?)row[1]);
                Assert.Equal(i * 2, (int)row[2][0]);
                Assert.Equal(0, row[2][1].Length);
            }
        }
    }

    [Fact]
    public async Task An_array_of_a_million_elements_arrives_and_small_ones_after_it()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        const string script = "local a = {} for i = 1, tonumber(ARGV[1]) do a[i] = i end return a";

        foreach (int count in new[] { 1_000_000, 1, 0, 700, 1_000 })
        {
            int[]? numbers = (int[]?)await redis.GetDatabase().ScriptEvaluateAsync(script, values: [count]);

            Assert.Equal(Enumerable.Range(1, count), numbers!);
        }
    }

    [Fact]
    public async Task Streams_are_read_whole_and_in_pages()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();
        const int count = 5_000;
        var added = new List<Task>();
        for (int i = 1; i <= count; i++)
        {
            NameValueEntry[] fields = [new("number", i), new("text", new string('x', i % 200))];
            added.Add(db.StreamAddAsync("stream", fields, $"{i}-0"));
        }

        await Task.WhenAll(added);
        StreamEntry[] all = await db.StreamRangeAsync("stream");
        StreamEntry[] one = await db.StreamRangeAsync("stream", "7-0", "7-0");
        StreamEntry[] none = await db.StreamRangeAsync("stream", "9999-0");
        RedisStream[] read = await db.StreamReadAsync([new("stream", "4000-0")], countPerStream: 10);

        Assert.Equal(count, all.Length);
        for (int i = 1; i <= count; i++)
        {
            Assert.Equal(i, (int)all[i - 1]["number"]);
            Assert.Equal(i % 200, ((string?)all[i - 1]["text"])!.Length);
        }

        Assert.Equal("7-0", (string?)Assert.Single(one).Id);
        Assert.Empty(none);
        Assert.Equal("4001-0", (string?)Assert.Single(read).Entries[0].Id);
        Assert.Equal(10, read[0].Entries.Length);
    }

    [Fact]
    public async Task Replies_of_pairs_and_scans_arrive()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        IDatabase db = redis.GetDatabase();
        SortedSetEntry[] scores = [.. Enumerable.Range(0, 3_000).Select(i => new SortedSetEntry($"m{i:0000}", i))];
        HashEntry[] fields = [.. Enumerable.Range(0, 3_000).Select(i => new HashEntry($"f{i}", i))];

        await db.SortedSetAddAsync("scores", scores);
        await db.HashSetAsync("fields", fields);
        SortedSetEntry[] scoresRead = await db.SortedSetRangeByRankWithScoresAsync("scores");
        HashEntry[] fieldsRead = await db.HashGetAllAsync("fields");
        var scanned = new HashSet<string?>();
        await foreach (HashEntry field in db.HashScanAsync("fields", pageSize: 100)) scanned.Add(field.Name);

        Assert.Equal(scores, scoresRead);
        Assert.Equal(fields.OrderBy(f => (int)f.Value), fieldsRead.OrderBy(f => (int)f.Value));
        Assert.Equal(fields.Length, scanned.Count);
    }

    [Fact]
    public async Task Published_messages_arrive_in_order_at_every_handler()
    {
        await using ConnectionMultiplexer redis = await Connect.To(server.Port);
        await using ConnectionMultiplexer other = await Connect.To(server.Port);
        RedisChannel channel = RedisChannel.Literal("news");
        const int count = 5_000;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int second = 0;
        await redis.GetSubscriber().SubscribeAsync(channel, (_, _) =>
        {
            if (Interlocked.Increment(ref second) == count) all.TrySetResult();
        });
        await redis.GetSubscriber().SubscribeAsync(channel, static (_, _) => { });
        ChannelMessageQueue queue = await redis.GetSubscriber().SubscribeAsync(channel);

        for (int i = 0; i < count; i++) _ = other.GetSubscriber().PublishAsync(channel, i, CommandFlags.FireAndForget);

        using var patience = new CancellationTokenSource(Connect.Patience);
        for (int i = 0; i < count; i++) Assert.Equal(i, (int)(await queue.ReadAsync(patience.Token)).Message);
        await all.Task.WaitAsync(Connect.Patience);
    }
}
