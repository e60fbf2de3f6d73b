using Inventory.ServiceDefaults.Overload;
using Inventory.Testing;
using Microsoft.AspNetCore.Routing;

namespace Inventory.ReservationApi.Tests;

/// <summary>Under overload browsing is shed first, then new reservations, and payments never.</summary>
public sealed class OverloadTests : IAsyncLifetime
{
    private const int PerCore = 4;
    private static readonly int Most = PerCore * Environment.ProcessorCount;

    private readonly Shop shop = new(new()
    {
        ["Overload:InFlightPerCore"] = $"{PerCore}",
        ["Overload:ReservingWait"] = "00:00:00.100",
        ["Overload:BrowsingWait"] = "00:00:00.100",
        // Keeps the circuit closed while a test freezes Redis.
        ["StockCircuit:CallTimeout"] = "00:00:10",
        ["StockCircuit:Failures"] = "1000",
        ["Payments:WebhookSecrets:0"] = Provider.Secret,
    });

    private Api Api => shop.Api;

    private LoadShedder Shedder => Api.Get<LoadShedder>();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Browsing_is_shed_first_then_reserving_and_confirm_pay_extend_and_release_never()
    {
        var (sku, _) = await shop.NewProductAsync(1_000);
        var confirmed = await Api.HoldAsync(sku, 1);
        var paid = await Api.HoldAsync(sku, 1);
        var extended = await Api.HoldAsync(sku, 1);
        var released = await Api.HoldAsync(sku, 1);
        Api.Redis.Freeze();

        // As many reads as allowed; they wait for Redis.
        var readers = Enumerable.Range(0, Most / 2).Select(_ => ReadAsync(sku)).ToArray();
        await Eventually.TrueAsync(() => Shedder.InFlight(Priority.Browsing) == Most / 2);
        AssertShed(await ReadAsync(sku));
        // The remaining places are for reserve calls.
        var buyers = Enumerable.Range(0, Most - (Most / 2)).Select(_ => ReserveAsync(sku)).ToArray();
        await Eventually.TrueAsync(() => Shedder.InFlight(Priority.Reserving) == buyers.Length);
        AssertShed(await ReserveAsync(sku));
        AssertShed(await Api.SendWithAsync("POST", "/api/reservations/batch",
            $$"""{"reservations":[{{Api.OneLine(sku, "u", 1)}}]}""", Shop.AsAdministrator));
        AssertShed(await Api.SendAsync("POST", "/reserve", $$"""{"sku":"{{sku}}","qty":1,"cart_id":"c"}"""));

        Task<Answer>[] settling =
        [
            shop.SendAsync("POST", $"/api/reservations/{confirmed}/confirm"),
            new Provider(Api).ApproveAsync(paid, "pay-1"),
            Api.SendAsync("POST", $"/api/reservations/{extended}/extend", """{"addSeconds":60}"""),
            Api.SendAsync("DELETE", $"/api/reservations/{released}"),
        ];
        // These requests are admitted while others are still shed.
        AssertShed(await ReserveAsync(sku));
        Assert.All(settling, answer => Assert.False(answer.IsCompleted));
        Api.Redis.Thaw();

        Assert.Equal(
            new[] { 204, 200, 200, 200 }, (await Task.WhenAll(settling)).Select(answer => answer.Status));
        Assert.All(await Task.WhenAll(readers), answer => Assert.Equal(200, answer.Status));
        Assert.All(await Task.WhenAll(buyers), answer => Assert.Equal(201, answer.Status));
        Assert.Equal((0, 0), (Shedder.InFlight(Priority.Browsing), Shedder.InFlight(Priority.Reserving)));
        Assert.Equal(200, (await ReadAsync(sku)).Status);
    }

    [Fact]
    public async Task A_stream_takes_no_place()
    {
        var sku = await Api.NewSkuAsync(1);
        using var stream = await Api.Http.GetAsync(
            new Uri($"/api/stock/{sku}/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(200, (int)stream.StatusCode);
        Assert.Equal(0, Shedder.InFlight(Priority.Browsing));
    }

    [Fact]
    public void The_endpoints_that_may_be_shed_are_those_of_this_table()
    {
        var marked =
            from endpoint in Api.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            let mark = endpoint.Metadata.GetMetadata<MayBeShed>()
            where mark is not null
            from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods
            select $"{mark.Priority} {method} {endpoint.RoutePattern.RawText}";

        Assert.Equal(
            [
                "Browsing GET /api/orders/{id}",
                "Browsing GET /api/products/{sku}",
                "Browsing GET /api/products/{sku}/movements",
                "Browsing GET /api/queue/{ticket}",
                "Browsing GET /api/reservations/{id}",
                "Browsing GET /api/reservations/{id}/order",
                "Browsing GET /api/stock/{sku}",
                "Browsing GET /docs/favicon.svg",
                "Browsing GET /docs/scalar.aspnetcore.js",
                "Browsing GET /docs/scalar.js",
                "Browsing GET /docs/{documentName?}",
                "Browsing GET /events",
                "Browsing GET /openapi/v1.json",
                "Browsing GET /problems",
                "Browsing GET /problems/{slug}",
                "Browsing GET /snapshot/{sku}",
                "Reserving POST /api/reservations",
                "Reserving POST /api/reservations/batch",
                "Reserving POST /reserve",
            ],
            marked.Select(line => line.TrimEnd('/')).Order(StringComparer.Ordinal));
    }

    private Task<Answer> ReadAsync(string sku) => Api.SendAsync("GET", $"/api/stock/{sku}");

    private Task<Answer> ReserveAsync(string sku) =>
        Api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, Api.Fresh("user"), 1));

    private static void AssertShed(Answer answer)
    {
        Assert.Equal((503, "application/problem+json"), (answer.Status, answer.MediaType));
        Assert.Equal("/problems/temporary-reduced-capacity", answer.Json.GetProperty("type").GetString());
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 4);
    }
}
