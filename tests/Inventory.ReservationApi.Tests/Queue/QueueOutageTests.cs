using System.Collections.Concurrent;
using System.Text;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>Requests during a Redis outage: none is lost or overtaken, and no unit is sold twice.</summary>
public sealed class QueueOutageTests
{
    private const int Shoppers = 20;
    private const int Total = 120;

    private const string FirstComeFirstServed =
        """
        SELECT (SELECT max(place) FROM waiting_queue WHERE state = 1)
            < (SELECT min(place) FROM waiting_queue WHERE state = 2)
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_during_a_Redis_outage_get_tickets_that_are_decided_in_order_afterwards(bool frozen)
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(Total);
        var answers = new ConcurrentQueue<Answer>();
        var direct = new TaskCompletionSource();
        var tickets = 0;
        var shoppers = Enumerable.Range(0, Shoppers).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref tickets) < 2 * Total)
            {
                var answer = await waiting.ReserveAsync(sku);
                answers.Enqueue(answer);
                if (answer.Status == 202) Interlocked.Increment(ref tickets);
                if (answers.Count >= Shoppers) direct.TrySetResult();
            }
        })).ToArray();
        await direct.Task;
        if (frozen) waiting.Api.Redis.Freeze();
        else await waiting.Api.Redis.KillAsync();
        await Task.WhenAll(shoppers);

        Assert.All(answers, answer => Assert.Contains(answer.Status, new[] { 201, 202, 409 }));
        if (frozen) waiting.Api.Redis.Thaw();
        else await waiting.RestartAsync();
        await waiting.DrainedAsync();

        var held = answers.Count(answer => answer.Status == 201)
            + (int)await waiting.Shop.ReadAsync<long>("SELECT count(*) FROM waiting_queue WHERE state = 1");
        Assert.Equal((Total, Total), (held, await waiting.ReservedAsync(sku)));
        // A request already held by an unanswered call gets 200 and counts as earlier than the queue.
        Assert.True(await waiting.Shop.ReadAsync<bool>(
            """
            SELECT (SELECT max(place) FROM waiting_queue WHERE status = 201)
                < (SELECT min(place) FROM waiting_queue WHERE state = 2)
            """));
        foreach (var answer in answers.Where(answer => answer.Status == 202))
        {
            Assert.Contains(
                await waiting.StatusAsync(answer.Json.GetProperty("ticket").GetString()!),
                new[] { "granted", "refused" });
        }

        var other = await waiting.Api.NewSkuAsync(1);
        Assert.Equal(201, (await waiting.ReserveAsync(other)).Status);
        await Eventually.EqualAsync(409, async () => (await waiting.ReserveAsync(sku)).Status);
    }

    [Fact]
    public async Task An_unanswered_call_that_Redis_executes_later_makes_one_hold()
    {
        await using var waiting = await Waiting.StartAsync();
        var (sku, other) = (await waiting.Api.NewSkuAsync(10), await waiting.Api.NewSkuAsync(10));
        // Load the script first, so that the frozen Redis receives its call and not the load.
        await waiting.Api.HoldAsync(await waiting.Api.NewSkuAsync(1), 1);
        var held = await waiting.Api.SendAsync(
            "POST", "/reserve", $$"""{"sku":"{{await waiting.Api.NewSkuAsync(1)}}","qty":1,"cart_id":"c"}""");
        Assert.Equal(201, held.Status);
        waiting.Api.Redis.Freeze();
        // Separate requests: concurrent ones share a call and would fail with it.
        await waiting.QueueAsync(other, "keyed", "a key");
        var reserving = Enumerable.Range(0, 3).Select(_ => waiting.QueueAsync(sku)).ToArray();
        var cart = waiting.Api.SendAsync("POST", "/reserve", $$"""{"sku":"{{sku}}","qty":2,"cart_id":"c"}""");
        await Task.WhenAll([.. reserving, cart]);
        waiting.Api.Redis.Thaw();
        await waiting.DrainedAsync();

        Assert.Equal((5, 1), (await waiting.ReservedAsync(sku), await waiting.ReservedAsync(other)));
        var statuses = new List<int>();
        foreach (var ticket in reserving)
        {
            var shown = (await waiting.Api.SendAsync("GET", $"/api/queue/{await ticket}")).Json;
            Assert.Equal("granted", shown.GetProperty("status").GetString());
            statuses.Add(shown.GetProperty("answerStatus").GetInt32());
            var id = shown.GetProperty("reservation").GetProperty("reservationId").GetGuid();
            var found = await waiting.Api.SendAsync("GET", $"/api/reservations/{id}");
            Assert.Equal("pending", found.Json.GetProperty("status").GetString());
        }

        // The first one was already held when the queue decided it.
        Assert.Contains(200, statuses);
        // For a moment the key still returns the ticket.
        Answer? again = null;
        await Eventually.TrueAsync(
            async () => (again = await waiting.ReserveAsync(other, "keyed", "a key")).Status != 202);
        Assert.Equal((201, "true"), (again!.Status, again.Header("Idempotent-Replayed")));
        Assert.Equal((5, 1), (await waiting.ReservedAsync(sku), await waiting.ReservedAsync(other)));
    }

    [Fact]
    public async Task A_ticket_cancelled_with_an_unanswered_call_leaves_no_hold()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.Api.HoldAsync(await waiting.Api.NewSkuAsync(1), 1);
        waiting.Api.Redis.Freeze();
        var ticket = await waiting.QueueAsync(sku);
        Assert.Equal(200, (await waiting.Api.SendAsync("DELETE", $"/api/queue/{ticket}")).Status);
        waiting.Api.Redis.Thaw();
        await waiting.DrainedAsync();

        Assert.Equal("cancelled", await waiting.StatusAsync(ticket));
        Assert.Equal(0, await waiting.ReservedAsync(sku));
    }

    [Fact]
    public async Task A_ticket_that_cannot_be_released_or_read_does_not_block_others()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.Api.HoldAsync(await waiting.Api.NewSkuAsync(1), 1);
        waiting.Api.Redis.Freeze();
        var owed = await waiting.QueueAsync(sku);
        Assert.Equal(200, (await waiting.Api.SendAsync("DELETE", $"/api/queue/{owed}")).Status);
        Assert.True(await waiting.Shop.ReadAsync<bool>("SELECT unsure FROM waiting_queue"));
        var id = ReservationKey.Of(await waiting.Shop.ReadAsync<Guid>("SELECT reservation_id FROM waiting_queue"));
        var (corrupt, good) = (await waiting.QueueAsync(sku, "corrupt"), await waiting.QueueAsync(sku));
        await waiting.Shop.ExecuteAsync(
            "UPDATE waiting_queue SET lines = replace(lines, ':1', ':one') WHERE holder = 'u:corrupt'");
        await waiting.Api.Redis.KillAsync();
        await waiting.Api.Redis.RestartAsync();
        // While the fence is set, no hold is released.
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(waiting.Api.Redis.ConnectionString))
        {
            await redis.GetDatabase().HashSetAsync(default(Partition).HoldsOf(id), id, "corrupt");
        }

        await waiting.LiftAsync();
        await waiting.DrainedAsync();

        Assert.Equal(
            ("cancelled", "refused", "granted"),
            (await waiting.StatusAsync(owed), await waiting.StatusAsync(corrupt), await waiting.StatusAsync(good)));
        Assert.Equal(201, (await waiting.ReserveAsync(await waiting.Api.NewSkuAsync(1))).Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("key")]
    public async Task A_batch_says_of_each_reservation_that_it_cannot_be_decided(string? key)
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(1);
        await waiting.KillAsync(sku);

        var batch = await waiting.Api.SendAsync("POST", "/api/reservations/batch",
            $$"""{"reservations":[{{Api.OneLine(sku, "u", 1)}},{}]}""", key);

        Assert.Equal(200, batch.Status);
        Assert.Equal(
            [503, 400],
            batch.Json.GetProperty("outcomes").EnumerateArray().Select(one => one.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task New_requests_do_not_overtake_tickets_of_a_SKU_and_other_SKUs_are_sold_meanwhile()
    {
        await using var waiting = await Waiting.StartAsync(("WaitingQueue:DrainPerSecond", "2"));
        var sku = await waiting.Api.NewSkuAsync(11);
        var other = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        for (var i = 0; i < 10; i++) await waiting.QueueAsync(sku);
        await waiting.RestartAsync();
        await Eventually.TrueAsync(() => !waiting.Circuit.IsOpen);
        Assert.Equal(201, (await waiting.ReserveAsync(other)).Status);

        var late = await waiting.QueueAsync(sku);
        var later = await waiting.QueueAsync(sku);
        var batch = await waiting.Api.SendAsync("POST", "/api/reservations/batch",
            $$"""{"reservations":[{{Api.OneLine(sku, "u", 1)}}]}""");
        Assert.Equal(503, batch.Json.GetProperty("outcomes")[0].GetProperty("status").GetInt32());
        await waiting.DrainedAsync();

        Assert.Equal(("granted", "refused"), (await waiting.StatusAsync(late), await waiting.StatusAsync(later)));
        Assert.Equal(11, await waiting.ReservedAsync(sku));
    }

    [Fact]
    public async Task Carts_and_reservations_of_one_SKU_are_decided_in_order()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(30);
        await waiting.KillAsync(sku);
        for (var i = 0; i < 60; i++)
        {
            if (i % 5 < 3)
            {
                await waiting.QueueAsync(sku);
                continue;
            }

            var cart = await waiting.Api.SendAsync(
                "POST", "/reserve", $$"""{"sku":"{{sku}}","qty":1,"cart_id":"{{Api.Fresh("cart")}}"}""");
            Assert.Equal(202, cart.Status);
        }

        await waiting.RestartAsync();
        await waiting.DrainedAsync();

        Assert.Equal(30, await waiting.ReservedAsync(sku));
        Assert.True(await waiting.Shop.ReadAsync<bool>(FirstComeFirstServed));
    }

    [Fact]
    public async Task A_ticket_is_not_overtaken_while_many_due_holds_are_expired_for_it()
    {
        await using var waiting = await Waiting.StartAsync(("Inventory:ReclaimBatch", "1"));
        var (other, sku) = (await waiting.Api.NewSkuAsync(1), await waiting.Api.NewSkuAsync(10));
        var held = new List<Guid>();
        for (var i = 0; i < 10; i++) held.Add(await waiting.Api.HoldAsync(sku, 1));
        foreach (var id in held) await waiting.Api.ExpireAsync(sku, id);
        await waiting.KillAsync(other);
        await waiting.QueueAsync(other);
        for (var i = 0; i < 20; i++) await waiting.QueueAsync(sku);

        await waiting.RestartAsync();
        await waiting.DrainedAsync();

        Assert.Equal(10, await waiting.ReservedAsync(sku));
        Assert.True(await waiting.Shop.ReadAsync<bool>(FirstComeFirstServed));
    }

    [Fact]
    public async Task Two_instances_share_one_queue_and_decide_each_ticket_once()
    {
        await using var waiting = await Waiting.StartAsync();
        using var second = waiting.StartSecond();
        var sku = await waiting.Api.NewSkuAsync(50);
        await waiting.KillAsync(sku);
        var tickets = await Task.WhenAll(Enumerable.Range(0, 100).Select(async turn =>
        {
            if (turn % 2 == 0) return await waiting.QueueAsync(sku);
            using var body = new StringContent(
                Api.OneLine(sku, Api.Fresh("user"), 1), Encoding.UTF8, "application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/reservations") { Content = body };
            using var response = await second.SendAsync(request);
            Assert.Equal(202, (int)response.StatusCode);
            return response.Headers.Location!.ToString()["/api/queue/".Length..];
        }));
        await waiting.RestartAsync();
        await waiting.DrainedAsync();

        var states = await Task.WhenAll(tickets.Select(waiting.StatusAsync));
        Assert.Equal((50, 50), (states.Count(state => state == "granted"), states.Count(state => state == "refused")));
        Assert.Equal(50, await waiting.ReservedAsync(sku));
        Assert.True(await waiting.Shop.ReadAsync<bool>(FirstComeFirstServed));
        Assert.Equal(50, await waiting.Shop.ReadAsync<long>(
            "SELECT count(DISTINCT answer::json ->> 'reservationId') FROM waiting_queue WHERE state = 1"));
    }

    [Fact]
    public async Task Without_Redis_and_PostgreSQL_requests_get_503_and_the_API_recovers_by_itself()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.Shop.Postgres.KillAsync();
        await waiting.KillAsync(sku);
        for (var i = 0; i < 5; i++)
        {
            var refused = await waiting.ReserveAsync(sku);
            refused.AssertProblem(503, "stock-unavailable");
            Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        }

        await waiting.Shop.Postgres.RestartAsync();
        string? ticket = null;
        await Eventually.TrueAsync(async () =>
        {
            var answer = await waiting.ReserveAsync(sku);
            if (answer.Status == 202) ticket = answer.Json.GetProperty("ticket").GetString();
            else answer.AssertProblem(503, "stock-unavailable");
            return ticket is not null;
        });
        await waiting.RestartAsync();
        await Eventually.EqualAsync("granted", () => waiting.StatusAsync(ticket!));
        await Eventually.EqualAsync(201, async () => (await waiting.ReserveAsync(sku)).Status);
    }

    [Fact]
    public async Task While_the_data_of_Redis_is_verified_requests_get_tickets_and_then_holds()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        await waiting.Api.Redis.RestartAsync();
        await Eventually.TrueAsync(() => !waiting.Circuit.IsOpen);

        var ticket = await waiting.QueueAsync(sku);
        Assert.Equal("waiting", await waiting.StatusAsync(ticket));
        await waiting.LiftAsync();
        await waiting.DrainedAsync();
        Assert.Equal("granted", await waiting.StatusAsync(ticket));
    }
}
