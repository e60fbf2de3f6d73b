using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Tests;

/// <summary>The gateway checks its settings at start.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Gateway:Limits:RequestBodyBytes", "0", "RequestBodyBytes")]
    [InlineData("Gateway:Limits:RequestTimeout", "1.00:00:00", "RequestTimeout")]
    [InlineData("Gateway:Limits:RequestBodyByte", "65536", "RequestBodyByte")]
    [InlineData("Gateway:TrustedProxies:0", "the load balancer", "TrustedProxies")]
    [InlineData("Gateway:TrustedProxies:0", "10.0.0.0/64", "TrustedProxies")]
    [InlineData("Gateway:RateLimits:Reserve:Session:Permits", "-1", "Permits")]
    [InlineData("Gateway:RateLimits:Reserve:Session:Window", "00:00:00", "Window")]
    [InlineData("Gateway:RateLimits:Reserves:Session:Permits", "1", "Reserves")]
    [InlineData("Gateway:Guard:LargestNumber", "49999", "LargestNumber")]
    [InlineData("Gateway:Sessions:IdleTimeout", "00:00:01", "IdleTimeout")]
    [InlineData("ReverseProxy:Routes:reserve:Metadata:RateLimit", "Reserves", "Reserves")]
    [InlineData("ReverseProxy:Routes:reserve:Metadata:Session", "Sometimes", "Sometimes")]
    public async Task The_gateway_refuses_to_start(string key, string value, string named)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(
            () => RunningGateway.StartAsync(["http://127.0.0.1:9"], (key, value)));

        Assert.True(failure is OptionsValidationException or InvalidOperationException, failure.ToString());
        // What the proxy's configuration needs is checked while it is loaded, and wrapped.
        Assert.Contains(named, failure.GetBaseException().Message, StringComparison.Ordinal);
    }
}
