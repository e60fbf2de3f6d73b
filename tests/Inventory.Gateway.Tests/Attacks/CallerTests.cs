using System.Net;
using Inventory.Gateway.RateLimiting;

namespace Inventory.Gateway.Tests.Attacks;

/// <summary>Callers that pretend to be many, or to be another caller.</summary>
public sealed class CallerTests : TwoGateways
{
    protected override (string Key, string Value)[] Settings => [("Gateway:RateLimits:NewSession:Permits", "5")];

    [Fact]
    public async Task An_ended_cookie_begins_sessions_at_the_price_of_new_ones()
    {
        var cookie = await CookieAsync();
        Assert.Equal(204, (await SendAsync(One, "DELETE", "/api/session", cookie: cookie)).Status);
        var statuses = new List<int>();
        for (var i = 0; i < 6; i++) statuses.Add((await SendAsync(One, "POST", "/reserve", cookie: cookie)).Status);

        // One session was begun before.
        Assert.Equal([200, 200, 200, 200, 429, 429], statuses);
        Assert.Equal(429, (await SendAsync(Other, "POST", "/reserve")).Status);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.9")]
    [InlineData("Forwarded", "for=203.0.113.9")]
    [InlineData("X-Real-IP", "203.0.113.9")]
    public async Task In_development_a_caller_behind_a_proxy_on_this_machine_is_a_shopper(string name, string value)
    {
        // This gateway trusts no proxy.
        await using var gateway = await RunningGateway.StartAsync(
            [Replica.Address], ("ConnectionStrings:redis", Redis.ConnectionString));
        var proxied = await SendAsync(gateway, "POST", "/reserve", null, null, (name, value));
        Assert.NotNull(proxied.Cookie);
        Assert.NotNull(Shopper());
        // On a route without a session, the API can't take the caller for a local one either.
        await SendAsync(gateway, "GET", "/api/orders/1", null, null, (name, value));
        Assert.Equal("0.0.0.0", Replica.Requests[^1].Headers["X-Forwarded-For"]);

        var local = await SendAsync(gateway, "POST", "/reserve", from: null);
        Assert.Null(local.Cookie);
        Assert.Null(Shopper());
    }

    [Theory]
    [InlineData("127.0.0.1", 200)]
    [InlineData("localhost:8080", 200)]
    [InlineData("gateway.localhost", 200)]
    [InlineData("evil.example", 400)]
    public async Task In_development_only_names_of_this_machine_are_served(string host, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/stock/shoe") { Headers = { Host = host } };
        using var response = await One.Client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    //          address                               ->  charged to
    [InlineData("203.0.113.9", "203.0.113.9")]
    [InlineData("::ffff:203.0.113.9", "203.0.113.9")]
    [InlineData("64:ff9b::203.0.113.9", "203.0.113.9")]
    [InlineData("2001:db8:1:2fe::1", "2001:db8:1:200::/56")]
    [InlineData("2001:db8:1:2ff:5:6:7:8", "2001:db8:1:200::/56")]
    [InlineData("2001:db8:1:300::1", "2001:db8:1:300::/56")]
    public void An_address_counts_by_what_one_customer_has(string address, string charged) =>
        Assert.Equal(charged, ClientAddress.Of(IPAddress.Parse(address)));
}
