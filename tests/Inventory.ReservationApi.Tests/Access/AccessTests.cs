using System.Security.Cryptography;
using System.Text.Json;
using Inventory.Identity;
using Inventory.ReservationApi.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Inventory.ReservationApi.Tests.Access;

/// <summary>Which callers may call which endpoints; a refused call changes nothing.</summary>
public sealed class AccessTests(Shop shop) : IClassFixture<Shop>
{
    private const string Elsewhere = "X-Forwarded-For: 203.0.113.9";

    private Api Api => shop.Api;

    // Every endpoint of the description; an empty scope means that every caller may call. SKU has 10 units.
    //   method    path                                       scope      shoppers
    public static TheoryData<string, string, string, bool> Endpoints => new()
    {
        { "POST", "/api/reservations", "reserve", true },
        { "POST", "/api/reservations/batch", "reserve", false },
        { "GET", "/api/reservations/{id}", "reserve", true },
        { "DELETE", "/api/reservations/{id}", "reserve", true },
        { "POST", "/api/reservations/{id}/extend", "reserve", true },
        { "POST", "/api/reservations/{id}/confirm", "confirm", false },
        { "GET", "/api/reservations/{id}/order", "confirm", true },
        { "GET", "/api/orders/{id}", "confirm", true },
        { "POST", "/api/orders/{id}/cancel", "confirm", false },
        { "POST", "/api/payments/webhook", "", true },
        { "POST", "/reserve", "reserve", true },
        { "POST", "/extend", "reserve", true },
        { "POST", "/commit", "confirm", false },
        { "POST", "/release", "reserve", true },
        { "GET", "/events", "reserve", false },
        { "GET", "/snapshot/{sku}", "", true },
        { "GET", "/api/stock/{sku}", "", true },
        { "GET", "/api/stock/{sku}/stream", "", true },
        { "GET", "/api/queue/{ticket}", "reserve", true },
        { "GET", "/api/queue/{ticket}/events", "reserve", true },
        { "DELETE", "/api/queue/{ticket}", "reserve", true },
        { "GET", "/api/operations/cache", "admin", false },
        { "GET", "/api/operations/redis", "admin", false },
        { "GET", "/api/operations/guard", "admin", false },
        { "PUT", "/api/operations/guard/skus/{sku}", "admin", false },
        { "GET", "/api/operations/dead-letters", "admin", false },
        { "GET", "/api/operations/dead-letters/{id}", "admin", false },
        { "POST", "/api/operations/dead-letters/{id}/replay", "admin", false },
        { "POST", "/api/operations/dead-letters/replay", "admin", false },
        { "GET", "/api/operations/reconciliation", "admin", false },
        { "GET", "/api/operations/reconciliation/runs/{id}", "admin", false },
        { "POST", "/api/operations/reconciliation/run", "admin", false },
        { "GET", "/api/products/{sku}", "admin", false },
        { "PUT", "/api/products/{sku}", "admin", false },
        { "POST", "/api/products/{sku}/adjustments", "admin", false },
        { "GET", "/api/products/{sku}/movements", "admin", false },
        { "POST", "/api/products/{sku}/pause", "admin", false },
        { "POST", "/api/products/{sku}/resume", "admin", false },
    };

    [Fact]
    public void Every_endpoint_declares_its_callers()
    {
        var source = Api.Services.GetRequiredService<EndpointDataSource>();
        var endpoints = source.Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.InRange(endpoints.Count, 20, int.MaxValue);
        Assert.Empty(
            from endpoint in endpoints
            where endpoint.Metadata.GetMetadata<AccessRule>() is null
                && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
            select endpoint.DisplayName);
        Assert.Empty(
            from endpoint in endpoints
            where endpoint.Metadata.GetMetadata<AccessRule>() is not null
                && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
            select endpoint.DisplayName);
    }

    [Fact]
    public async Task The_description_has_the_callers_of_this_table_for_every_endpoint()
    {
        var document = (await Api.SendAsync("GET", "/openapi/v1.json")).Json;
        var described =
            from path in document.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            select $"{operation.Name.ToUpperInvariant()} {path.Name} {Access(operation.Value)}";
        var expected = Endpoints.Select(row => $"{row[0]} {row[1]} {row[2]}"
            + (row[2] is "" ? "" : row[3] is true ? " or session" : " only"));

        Assert.Equal(expected.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));

        static string Access(JsonElement operation)
        {
            if (!operation.TryGetProperty("security", out var security)) return "";
            var ways = security.EnumerateArray().ToList();
            Assert.Contains(operation.GetProperty("responses").EnumerateObject(), response => response.Name == "403");
            var scope = ways[0].GetProperty("ApiKey").EnumerateArray().Single().GetString();
            return $"{scope} {(ways.Count == 2 ? "or session" : "only")}";
        }
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Only_allowed_callers_succeed_and_refused_calls_change_nothing(
        string method, string path, string scope, bool shoppers)
    {
        var sku = await NewProductAsync();
        var id = await HoldAsync(sku);
        var before = await StateAsync(sku, id);
        // These bodies would change something if the call were allowed.
        async Task<Answer> CallAsync(params string[] headers) => await Api.SendWithAsync(
            method, path.Replace("{id}", $"{id}").Replace("{sku}", sku), Body(method, path, sku), headers);

        (await CallAsync(Elsewhere, "X-Api-Key: inv_wrong_0123456789abcdef0123456789abcdef"))
            .AssertProblem(401, "authentication-required");
        (await CallAsync(Elsewhere, $"X-Api-Key: {Api.Key("all")}", $"X-Api-Key: {Api.Key("all")}"))
            .AssertProblem(401, "authentication-required");
        if (scope.Length == 0)
        {
            // A stream does not end; its own tests open it without a key.
            if (path.EndsWith("/stream", StringComparison.Ordinal)) return;
            var open = await CallAsync(Elsewhere);
            // A webhook is authenticated by its signature, which this one lacks.
            if (path.EndsWith("/webhook", StringComparison.Ordinal))
            {
                open.AssertProblem(401, "webhook-signature-invalid");
            }
            else
            {
                Assert.Equal(200, open.Status);
            }

            return;
        }

        var anonymous = await CallAsync(Elsewhere);
        anonymous.AssertProblem(401, "authentication-required");
        Assert.Equal("ApiKey realm=\"inventory\", header=\"X-Api-Key\"", anonymous.Header("WWW-Authenticate"));
        foreach (var other in new[] { "reserve", "confirm", "admin" }.Where(other => other != scope))
        {
            var refused = await CallAsync(Elsewhere, $"X-Api-Key: {Api.Key(other)}");
            refused.AssertProblem(403, "scope-missing");
            Assert.Equal(scope, refused.Json.GetProperty("requiredScope").GetString());
        }

        if (!shoppers)
        {
            var shopper = await CallAsync(Elsewhere, $"X-Inventory-Shopper: {ShopperSubject.Create()}");
            shopper.AssertProblem(403, "scope-missing");
        }

        Assert.Equal(before, await StateAsync(sku, id));
        Assert.DoesNotContain((await CallAsync(Elsewhere, $"X-Api-Key: {Api.Key(scope)}")).Status, new[] { 401, 403 });
    }

    [Theory]
    //          forwarded for                       -> is it this machine?
    [InlineData(null, true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.10:4711", true)]
    [InlineData("\"[::1]:4711\"", true)]
    [InlineData("::1, 127.0.0.1", true)]
    [InlineData("203.0.113.9", false)]
    [InlineData("127.0.0.1, 203.0.113.9", false)]
    [InlineData("203.0.113.9, 127.0.0.1", false)]
    [InlineData("localhost", false)]
    [InlineData("unknown", false)]
    public async Task Without_a_key_only_this_machine_may_hold_and_nothing_more(string? forwardedFor, bool here)
    {
        string[] headers = forwardedFor is null ? [] : [$"X-Forwarded-For: {forwardedFor}"];
        var sku = await NewProductAsync();

        var held = await Api.SendWithAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1), headers);
        var administered = await Api.SendWithAsync("POST", $"/api/products/{sku}/pause", null, headers);

        if (here) Assert.Equal(201, held.Status);
        else held.AssertProblem(401, "authentication-required");
        administered.AssertProblem(401, "authentication-required");
        Assert.Equal(here ? 9 : 10, await Api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData("/no-such-path", 404)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/problems", 200)]
    [InlineData("/problems/scope-missing", 200)]
    [InlineData("/docs/index.html", 200)]
    [InlineData("/health", 200)]
    [InlineData("/alive", 200)]
    public async Task Documentation_is_public_but_a_wrong_key_is_always_refused(string path, int status)
    {
        Assert.Equal(status, (await Api.SendWithAsync("GET", path, null, Elsewhere)).Status);
        (await Api.SendWithAsync("GET", path, null, "X-Api-Key: no")).AssertProblem(401, "authentication-required");
    }

    [Fact]
    public async Task A_wrong_method_is_refused_before_the_key_is_checked()
    {
        var answer = await Api.SendWithAsync("PATCH", "/api/reservations", null, Elsewhere);
        answer.AssertProblem(405, "method-not-allowed");
        Assert.Equal(["POST"], answer.Allow);
    }

    [Fact]
    public async Task Outside_of_Development_a_local_address_gives_no_access()
    {
        var production = new Api(new()
        {
            ["environment"] = "Production",
            ["Payments:WebhookSecrets:0"] = "whsec_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
        });
        await production.InitializeAsync();
        var sku = await production.NewSkuAsync(10);
        var body = Api.OneLine(sku, "u", 1);

        (await production.SendWithAsync("POST", "/api/reservations", body))
            .AssertProblem(401, "authentication-required");
        (await production.SendWithAsync("POST", "/api/reservations", body, $"X-Api-Key: {DemoKeys.Admin}"))
            .AssertProblem(401, "authentication-required");
        Assert.Equal(10, await production.AvailableAsync(sku));
        var keyed = await production.SendWithAsync(
            "POST", "/api/reservations", body, $"X-Api-Key: {Api.Key("reserve")}");
        Assert.Equal(201, keyed.Status);
        await production.DisposeAsync();
    }

    private static string? Body(string method, string path, string sku) => path switch
    {
        "/api/reservations" => Api.OneLine(sku, "other", 1),
        "/api/reservations/batch" => $$"""{"reservations":[{{Api.OneLine(sku, "other", 1)}}]}""",
        "/api/reservations/{id}/extend" => """{"addSeconds":60}""",
        "/reserve" => $$"""{"sku":"{{sku}}","qty":3,"cart_id":"cart"}""",
        "/extend" => $$"""{"sku":"{{sku}}","cart_id":"{{sku}}","add_seconds":60}""",
        "/api/payments/webhook" => Provider.Payment("payment.approved", Guid.NewGuid(), "pay-1"),
        "/release" or "/commit" => $$"""{"sku":"{{sku}}","cart_id":"{{sku}}"}""",
        "/api/products/{sku}/adjustments" => """{"quantity":5,"reason":"received","reference":"delivery"}""",
        "/api/products/{sku}" when method == "PUT" => """{"name":"Other"}""",
        _ => null,
    };

    private async Task<string> NewProductAsync() => (await shop.NewProductAsync(10)).Sku;

    /// <summary>Makes a reservation, and a hold of the cart that has the SKU's name.</summary>
    private async Task<Guid> HoldAsync(string sku)
    {
        var cart = await Api.SendAsync("POST", "/reserve", $$"""{"sku":"{{sku}}","qty":2,"cart_id":"{{sku}}"}""");
        Assert.Equal(201, cart.Status);
        return await Api.HoldAsync(sku, 1);
    }

    private async Task<string> StateAsync(string sku, Guid id)
    {
        var product = await shop.SendAsync("GET", $"/api/products/{sku}");
        var stock = await Api.Engine.Levels.SnapshotAsync(sku);
        var reservation = (await Api.Engine.Holds.FindAsync(id)).Reservation!;
        var levels = await shop.LevelsAsync(sku);
        return $"{product.Text} {stock with { At = default }} {reservation.Status} {reservation.ExpiresAt:O} {levels}";
    }
}
