using System.Net;

namespace Inventory.Gateway.Tests;

/// <summary>The headers that pass the gateway in either direction, and the proxies that it trusts.</summary>
public sealed class HeaderTests : TwoReplicas
{
    // A gateway in Development serves only names of its machine.
    protected override (string Key, string Value)[] Settings => [("AllowedHosts", "*")];

    [Theory]
    //          header               sent                ->  received
    [InlineData("Idempotency-Key", "key-1", "key-1")]
    [InlineData("If-Match", "\"7\"", "\"7\"")]
    [InlineData("X-Api-Key", "secret", "secret")]
    [InlineData("webhook-signature", "v1,abc", "v1,abc")]
    [InlineData("Cookie", "session=1", "session=1")]
    [InlineData("X-Inventory-Customer", "someone-else", null)]
    [InlineData("x-inventory-scopes", "admin", null)]
    [InlineData("X-INVENTORY-", "1", null)]
    [InlineData("X-Original-For", "203.0.113.9", null)]
    [InlineData("X-Real-IP", "203.0.113.9", null)]
    [InlineData("Forwarded", "for=203.0.113.9", null)]
    [InlineData("X-Forwarded-Prefix", "/elsewhere", null)]
    [InlineData("X-Forwarded-For", "203.0.113.9", "0.0.0.0")]
    [InlineData("X-Forwarded-Proto", "https", "http")]
    public async Task A_caller_cannot_speak_for_the_gateway(string header, string sent, string? received)
    {
        using var request = Request("POST", "/api/reservations");
        Assert.True(request.Headers.TryAddWithoutValidation(header, sent));
        using var response = await Client.SendAsync(request);

        Assert.Equal(received, TheRequest().Headers.GetValueOrDefault(header));
    }

    [Fact]
    public async Task A_forged_host_does_not_replace_the_requested_one()
    {
        using var request = Request("GET", "/api/reservations/1");
        request.Headers.Host = "shop.example";
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        using var response = await Client.SendAsync(request);

        Assert.Equal("shop.example", TheRequest().Headers["X-Forwarded-Host"]);
    }

    [Theory]
    //          trusted                  forwarded for                    ->  the client
    [InlineData("127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "203.0.113.9", "203.0.113.9")]
    [InlineData("10.0.0.0/8", "203.0.113.9", "0.0.0.0")]
    [InlineData("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.1,10.0.0.0/8", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9")]
    [InlineData("127.0.0.1", "2001:db8::9", "2001:db8::9")]
    public async Task Only_a_trusted_proxy_may_set_forwarded_headers(string trusted, string forwardedFor, string client)
    {
        var settings = trusted.Split(',').Select((proxy, i) => ($"Gateway:TrustedProxies:{i}", proxy)).ToArray();
        await using var gateway = await RunningGateway.StartAsync(One, Other, [.. Settings, .. settings]);
        using var request = Request("GET", "/api/reservations/1");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "shop.example");
        using var response = await gateway.Client.SendAsync(request);

        var believed = client != "0.0.0.0";
        var received = TheRequest().Headers;
        Assert.Equal(client, received["X-Forwarded-For"].Trim('"', '[', ']'));
        Assert.Equal(believed ? "https" : "http", received["X-Forwarded-Proto"]);
        Assert.Equal(believed ? "shop.example" : gateway.Address.Authority, received["X-Forwarded-Host"]);
    }

    [Fact]
    public async Task A_platform_that_switches_forwarded_headers_on_adds_no_trusted_proxy()
    {
        await using var gateway = await RunningGateway.StartAsync(One, Other, ("FORWARDEDHEADERS_ENABLED", "true"));
        using var request = Request("GET", "/api/reservations/1");
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        using var response = await gateway.Client.SendAsync(request);

        // In Development the address of a proxy that is not trusted stands for no caller.
        Assert.Equal("0.0.0.0", TheRequest().Headers["X-Forwarded-For"]);
    }

    [Theory]
    //          the API's Location                   ->  the caller's
    [InlineData("/api/reservations/1", "/api/reservations/1")]
    [InlineData("{self}/api/reservations/1?a=b#c", "/api/reservations/1?a=b#c")]
    [InlineData("https://pay.example/checkout", "https://pay.example/checkout")]
    public async Task A_caller_can_follow_the_location(string location, string usable)
    {
        using var response = await Client.PostAsync($"/api/created?location={Uri.EscapeDataString(location)}", null);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(usable, response.Headers.Location?.OriginalString);
        Assert.Equal("\"7\"", response.Headers.ETag?.Tag);
        Assert.Equal("true", Assert.Single(response.Headers.GetValues("Idempotent-Replayed")));
    }

    private Received TheRequest() => Assert.Single(One.Requests.Concat(Other.Requests));
}
