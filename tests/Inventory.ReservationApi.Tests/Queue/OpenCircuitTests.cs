using Inventory.Ledger;
using Inventory.ReservationApi.Queue;
using Inventory.Stock;
using Inventory.Storage;

namespace Inventory.ReservationApi.Tests.Queue;

/// <summary>While the circuit of Redis is open, no request waits for Redis.</summary>
public sealed class OpenCircuitTests : IAsyncLifetime
{
    // A request that calls Redis all the same waits longer than the test allows.
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly Shop shop = new(new()
    {
        ["StockCircuit:CallTimeout"] = $"{CallTimeout}",
        ["Payments:WebhookSecrets:0"] = Provider.Secret,
    });

    private Api Api => shop.Api;

    public Task InitializeAsync() => shop.InitializeAsync();

    public async Task DisposeAsync()
    {
        Api.Redis.Thaw();
        await shop.DisposeAsync();
    }

    [Fact]
    public async Task Every_endpoint_answers_while_Redis_hangs()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var paid = await Api.HoldAsync(sku, 1);
        Api.Redis.Freeze();
        await OpenAsync();

        var commit = await In(shop.SendAsync("POST", "/commit", $$"""{"cart_id":"c","sku":"{{sku}}"}"""));
        commit.AssertProblem(503, "stock-unavailable");
        var payment = await In(new Provider(Api).ApproveAsync(paid, "pay-1"));
        Assert.Equal((202, "accepted"), (payment.Status, payment.Json.GetProperty("outcome").GetString()));
        var product = await In(shop.SendAsync("GET", $"/api/products/{sku}"));
        Assert.Equal((200, false), (product.Status, product.Json.TryGetProperty("available", out _)));
        var adjusted = await In(shop.AdjustAsync(sku, 1, "delivery"));
        Assert.Equal(201, adjusted.Status);
        using var stream = await Api.Http.GetStreamAsync(new Uri($"/api/stock/{sku}/stream", UriKind.Relative))
            .WaitAsync(Patience);
        using var reader = new StreamReader(stream);
        string? line;
        while ((line = await reader.ReadLineAsync().WaitAsync(Patience)) is not (null or "event: unavailable"))
        {
            Assert.False(line.StartsWith("event:", StringComparison.Ordinal), line);
        }

        Assert.Equal("event: unavailable", line);

        Assert.True(Api.Get<StockCircuit>().IsOpen);
        static Task<Answer> In(Task<Answer> answer) => answer.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_hold_made_by_an_unanswered_call_gets_its_full_time_when_it_is_granted()
    {
        var sku = await Api.NewSkuAsync(10);
        var ask = new ReserveRequest
        {
            Id = Guid.CreateVersion7(),
            Holder = Holder.Customer("u"),
            Lines = [new(sku, 1)],
            HoldFor = TimeSpan.FromMinutes(10),
        };
        // The earlier call was executed long ago: most of its time is over.
        await Api.Engine.Holds.ReserveAsync(ask with { HoldFor = TimeSpan.FromMinutes(1) });

        var granted = await DecideAsync(new(IntentForm.OneLine, ask, IsClientsId: false));
        Assert.Equal((QueueState.Granted, 200), (granted!.Value.State, granted.Value.Status));
        var renewed = await Api.Engine.Holds.FindAsync(ask.Id);
        Assert.InRange(
            (renewed.Reservation!.ExpiresAt - renewed.DecidedAt).TotalMinutes, 9, 10);
        // A client that chose the id may have known of the hold, so its deadline stays.
        var own = ask with { Id = Guid.CreateVersion7(), Holder = Holder.Customer("w") };
        await Api.Engine.Holds.ReserveAsync(own with { HoldFor = TimeSpan.FromMinutes(1) });
        await DecideAsync(new(IntentForm.OneLine, own, IsClientsId: true));
        var kept = await Api.Engine.Holds.FindAsync(own.Id);
        Assert.InRange((kept.Reservation!.ExpiresAt - kept.DecidedAt).TotalMinutes, 0, 1);
    }

    [Fact]
    public async Task A_ticket_of_a_SKU_under_repair_waits_until_the_SKU_is_open()
    {
        var sku = await Api.NewSkuAsync(10);
        var intent = new Intent(
            IntentForm.OneLine,
            new ReserveRequest
            {
                Id = Guid.CreateVersion7(),
                Holder = Holder.Customer("u"),
                Lines = [new(sku, 1)],
                HoldFor = TimeSpan.FromMinutes(10),
            },
            IsClientsId: false);
        var closed = (await Api.Engine.Maintenance.CloseSkuAsync(sku))!;

        Assert.Null(await DecideAsync(intent));
        await Api.Engine.Maintenance.ReopenSkuAsync(closed.Scope);
        var granted = await DecideAsync(intent);

        Assert.Equal((QueueState.Granted, 201), (granted!.Value.State, granted.Value.Status));
    }

    [Fact]
    public async Task A_ticket_of_a_shopper_holds_no_more_units_than_the_shopper_may()
    {
        var sku = await Api.NewSkuAsync(50);
        var ask = new ReserveRequest
        {
            Id = Guid.CreateVersion7(),
            Holder = Holder.Customer("u"),
            Lines = [new(sku, 50)],
            HoldFor = TimeSpan.FromMinutes(10),
            IsShopper = true,
        };

        var refused = await DecideAsync(new(IntentForm.OneLine, ask, IsClientsId: false));
        var granted = await DecideAsync(new(IntentForm.OneLine, ask with { IsShopper = false }, IsClientsId: false));

        Assert.Equal((QueueState.Refused, 409), (refused!.Value.State, refused.Value.Status));
        Assert.Contains("limit-exceeded", refused.Value.Answer, StringComparison.Ordinal);
        Assert.Equal(QueueState.Granted, granted!.Value.State);
    }

    private Task<QueueDecision?> DecideAsync(Intent intent) => Api.Get<QueueDecider>().DecideAsync(
        new(
            1, "ticket", intent.ToRow(unsure: true), QueueState.Waiting, null, null, TimeProvider.System.GetUtcNow(),
            TimeSpan.Zero, 0),
        ended: null);

    private async Task OpenAsync()
    {
        var circuit = Api.Get<StockCircuit>();
        while (!circuit.IsOpen)
        {
            await Assert.ThrowsAsync<StoreUnansweredException>(
                async () => await circuit.CallAsync<int>(() => throw RedisCalls.Late(null)));
        }
    }
}
