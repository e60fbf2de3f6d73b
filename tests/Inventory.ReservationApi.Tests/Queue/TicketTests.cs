using System.Text.Json;
using Inventory.Identity;
using Inventory.Testing;

namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>Reading, awaiting and cancelling a ticket.</summary>
public sealed class TicketTests
{
    [Fact]
    public async Task A_ticket_shows_its_place_and_later_its_outcome()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(1);
        await waiting.KillAsync(sku);
        var first = await waiting.ReserveAsync(sku);
        var second = await waiting.QueueAsync(sku);

        var ticket = first.Json.GetProperty("ticket").GetString();
        Assert.Equal($"/api/queue/{ticket}", first.Headers.Location!.ToString());
        Assert.NotNull(first.Headers.RetryAfter?.Delta);
        Assert.Equal(("waiting", 1), (first.Json.GetProperty("status").GetString(),
            first.Json.GetProperty("place").GetInt32()));
        var shown = await waiting.Api.SendAsync("GET", $"/api/queue/{second}");
        Assert.Equal(2, shown.Json.GetProperty("place").GetInt32());
        Assert.True(shown.Json.GetProperty("estimatedWaitSeconds").GetInt32() > 0);
        Assert.NotNull(shown.Headers.RetryAfter?.Delta);

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        var granted = (await waiting.Api.SendAsync("GET", $"/api/queue/{ticket}")).Json;
        Assert.Equal(("granted", 201), (granted.GetProperty("status").GetString(),
            granted.GetProperty("answerStatus").GetInt32()));
        var reservation = granted.GetProperty("reservation");
        Assert.Equal(0, reservation.GetProperty("remainingStock").GetInt32());
        Assert.InRange(reservation.GetProperty("expiresInSeconds").GetInt32(), 590, 600);
        var refused = (await waiting.Api.SendAsync("GET", $"/api/queue/{second}")).Json;
        Assert.Equal(("refused", 409), (refused.GetProperty("status").GetString(),
            refused.GetProperty("answerStatus").GetInt32()));
        var problem = refused.GetProperty("problem");
        Assert.Equal(("/problems/insufficient-stock", "/api/reservations"),
            (problem.GetProperty("type").GetString(), problem.GetProperty("instance").GetString()));
    }

    [Fact]
    public async Task A_ticket_can_be_cancelled_until_it_is_granted()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        var (kept, given) = (await waiting.QueueAsync(sku), await waiting.QueueAsync(sku));
        for (var i = 0; i < 2; i++)
        {
            var cancelled = await waiting.Api.SendAsync("DELETE", $"/api/queue/{given}");
            Assert.Equal((200, "cancelled"), (cancelled.Status, cancelled.Json.GetProperty("status").GetString()));
        }

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        var late = await waiting.Api.SendAsync("DELETE", $"/api/queue/{kept}");
        late.AssertProblem(409, "ticket-granted");
        var id = late.Json.GetProperty("reservationId").GetGuid();
        Assert.Equal(200, (await waiting.Api.SendAsync("GET", $"/api/reservations/{id}")).Status);
        Assert.Equal(("cancelled", 1), (await waiting.StatusAsync(given), await waiting.ReservedAsync(sku)));
    }

    [Fact]
    public async Task The_queue_is_bounded_and_a_cancelled_ticket_frees_its_place()
    {
        await using var waiting = await Waiting.StartAsync(("WaitingQueue:Capacity", "3"));
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => waiting.ReserveAsync(sku)));

        Assert.Equal((3, 7), (answers.Count(one => one.Status == 202), answers.Count(one => one.Status == 503)));
        foreach (var answer in answers.Where(one => one.Status == 503))
        {
            answer.AssertProblem(503, "queue-full");
            Assert.NotNull(answer.Headers.RetryAfter?.Delta);
        }

        var ticket = answers.First(one => one.Status == 202).Json.GetProperty("ticket").GetString();
        await waiting.Api.SendAsync("DELETE", $"/api/queue/{ticket}");
        await waiting.QueueAsync(sku);
        Assert.Equal(503, (await waiting.ReserveAsync(sku)).Status);
    }

    [Fact]
    public async Task One_key_has_one_ticket_and_one_reservation()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        var tickets = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => waiting.QueueAsync(sku, "u", "one key")));
        Assert.Equal(tickets[0], await waiting.QueueAsync(sku, "u", "one key"));
        Assert.Single(tickets.Distinct());
        (await waiting.ReserveAsync(sku, "v", "one key")).AssertProblem(422, "idempotency-key-reused");

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        var granted = (await waiting.Api.SendAsync("GET", $"/api/queue/{tickets[0]}")).Json.GetProperty("reservation");
        Answer? again = null;
        await Eventually.TrueAsync(
            async () => (again = await waiting.ReserveAsync(sku, "u", "one key")).Status != 202);
        Assert.Equal(granted.GetProperty("reservationId").GetGuid(),
            again!.Json.GetProperty("reservationId").GetGuid());
        Assert.Equal(1, await waiting.ReservedAsync(sku));
    }

    [Fact]
    public async Task The_ticket_of_another_shopper_is_not_found()
    {
        await using var waiting = await Waiting.StartAsync();
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        Task<Answer> AsAsync(string shopper, string method, string path, string? body = null) =>
            waiting.Api.SendWithAsync(
                method, path, body, "X-Forwarded-For: 203.0.113.9", $"X-Inventory-Shopper: {shopper}");
        var (ann, bob) = (ShopperSubject.Create(), ShopperSubject.Create());
        string[] wishes =
        [
            (await AsAsync(ann, "POST", "/api/reservations", Api.OneLine(sku, "x", 1))).Headers.Location!.ToString(),
            (await AsAsync(ann, "POST", "/reserve", $$"""{"sku":"{{sku}}","qty":1,"cart_id":"c"}"""))
                .Headers.Location!.ToString(),
        ];

        foreach (var path in wishes.Append("/api/queue/never").Append("/api/queue/AAAAAAAAAAAAAAAAAAAAAA"))
        {
            (await AsAsync(bob, "GET", path)).AssertProblem(404, "ticket-not-found");
            (await AsAsync(bob, "DELETE", path)).AssertProblem(404, "ticket-not-found");
            (await AsAsync(bob, "GET", path + "/events")).AssertProblem(404, "ticket-not-found");
        }

        foreach (var path in wishes)
        {
            Assert.Equal("waiting", (await AsAsync(ann, "GET", path)).Json.GetProperty("status").GetString());
        }
    }

    [Fact]
    public async Task A_ticket_can_be_awaited()
    {
        await using var waiting = await Waiting.StartAsync(("WaitingQueue:Heartbeat", "00:00:00.100"));
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        var ticket = await waiting.QueueAsync(sku);
        using var response = await waiting.Api.Http.GetAsync(
            $"/api/queue/{ticket}/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("event: waiting", await lines.ReadLineAsync());
        // A heartbeat while nothing changes.
        string? beat;
        do Assert.NotNull(beat = await lines.ReadLineAsync());
        while (beat != ":");

        await waiting.RestartAsync();
        var read = new List<string>();
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.Length > 1) read.Add(line);
        }

        Assert.Equal("event: granted", read[^2]);
        var shown = JsonElement.Parse(read[^1]["data: ".Length..]);
        Assert.Equal("pending", shown.GetProperty("reservation").GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_ticket_that_waits_too_long_expires_and_is_deleted_later()
    {
        await using var waiting = await Waiting.StartAsync(
            ("WaitingQueue:LongestWait", "00:00:01"), ("WaitingQueue:Retention", "00:00:01"));
        var sku = await waiting.Api.NewSkuAsync(10);
        await waiting.KillAsync(sku);
        var ticket = await waiting.QueueAsync(sku);
        await Eventually.EqualAsync("expired", () => waiting.StatusAsync(ticket));
        await Eventually.EqualAsync(
            0, () => waiting.Shop.ReadAsync<int>("SELECT waiting FROM waiting_queue_load"));
        await Eventually.EqualAsync(
            404, async () => (await waiting.Api.SendAsync("GET", $"/api/queue/{ticket}")).Status);

        await waiting.RestartAsync();
        await waiting.DrainedAsync();
        Assert.Equal(0, await waiting.ReservedAsync(sku));
    }
}
