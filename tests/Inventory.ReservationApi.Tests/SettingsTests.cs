using Inventory.Contracts;
using Inventory.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Tests;

/// <summary>Invalid settings stop the service at its start; valid ones change its behaviour.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Reservations:DefaultHold", "00:00:00")]
    [InlineData("Reservations:DefaultHold", "02:00:00")]
    [InlineData("Reservations:LongestHold", "03:00:00")]
    [InlineData("Reservations:MaxLines", "0")]
    [InlineData("Reservations:MaxBatch", "100000")]
    [InlineData("Reservations:ActivePerCustomerAndSku", "7")]
    [InlineData("Reservations:ActivePerCustomerAndSku", "Sometimes")]
    [InlineData("Reservations:DefaultHolt", "00:10:00")]
    [InlineData("LiveStock:UpdatesPerSecond", "0")]
    [InlineData("LiveStock:Heartbeat", "00:00:30")]
    [InlineData("StockCircuit:CallTimeout", "00:01:00")]
    [InlineData("WaitingQueue:DrainPerSecond", "0")]
    public async Task A_setting_that_makes_no_sense_stops_the_service(string name, string value)
    {
        var api = new Api(new() { [name] = value });
        var error = await api.RefusesToStartAsync();
        Assert.Contains(name.Split(':')[1], error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    //          environment    name                    value          part of the message
    [InlineData("Production", "ApiKeys:0:Name", "reserve ", "Name")]
    [InlineData("Production", "ApiKeys:0:Name", "all", "2 times")]
    [InlineData("Production", "ApiKeys:0:Hash", "inv_0123456789", "and not the key itself")]
    [InlineData("Production", "ApiKeys:0:Hash", "ADMIN", "demo key, which is public")]
    [InlineData("Production", "ApiKeys:1:Hash", "RESERVE", "one Hash for reserve and confirm")]
    [InlineData("Development", "ApiKeys:0:Scopes:0", "everything", "everything; known are reserve, confirm, admin")]
    [InlineData("Development", "ApiKeys:0:Scopes:0", "7", "names 7")]
    [InlineData("Development", "ApiKeys:0:Scope", "admin", "Scope")]
    public async Task An_invalid_API_key_stops_the_service(
        string environment, string name, string value, string message)
    {
        var hash = value switch
        {
            "ADMIN" => ApiKeyRing.HashOf(DemoKeys.Admin).ToUpperInvariant(),
            "RESERVE" => ApiKeyRing.HashOf(Api.Key("reserve")).ToUpperInvariant(),
            _ => value,
        };
        var api = new Api(new() { ["environment"] = environment, [name] = hash });
        var error = await api.RefusesToStartAsync();
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Production", false)]
    [InlineData("Staging", false)]
    [InlineData("Development", true)]
    public void Only_Development_starts_without_keys(string environment, bool starts)
    {
        using var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton<IHostEnvironment>(new HostingEnvironment { EnvironmentName = environment })
            .AddApiKeys()
            .BuildServiceProvider();
        var error = Record.Exception(() => services.GetRequiredService<IStartupValidator>().Validate());

        if (!starts)
        {
            var refused = Assert.IsType<OptionsValidationException>(error);
            Assert.Contains("set ApiKeys:0:Name, ApiKeys:0:Hash", refused.Message, StringComparison.Ordinal);
            return;
        }

        Assert.Null(error);
        var ring = services.GetRequiredService<ApiKeyRing>();
        Assert.Equal(Scopes.Reserve | Scopes.Confirm | Scopes.Admin, ring.Find(DemoKeys.Admin)!.Scopes);
        Assert.Equal(Scopes.Reserve | Scopes.Confirm, ring.Find(DemoKeys.Backend)!.Scopes);
        Assert.Null(ring.Find(DemoKeys.Backend[..^1]));
    }

    [Theory]
    //          environment    secret                     part of the message, if it doesn't start
    [InlineData("Production", null, "WebhookSecrets")]
    [InlineData("Staging", null, "WebhookSecrets")]
    [InlineData("Production", Provider.Secret, "isn't random")]
    [InlineData("Production", "whsec_c2hvcnQ=", "24 to 64 bytes")]
    [InlineData("Production", "ry6Z0XfHkS1v1cJ3eVbq2mQ4n8T5u7W9", "whsec_")]
    [InlineData("Production", "whsec_/+6Z0XfHkS1v1cJ3eVbq2mQ4n8T5u7W9", null)]
    [InlineData("Development", null, null)]
    public async Task Only_Development_starts_without_a_random_webhook_secret(
        string environment, string? secret, string? message)
    {
        var settings = new Dictionary<string, string> { ["environment"] = environment };
        if (secret is not null) settings["Payments:WebhookSecrets:0"] = secret;
        var api = new Api(settings);
        var error = await Record.ExceptionAsync(api.InitializeAsync);
        await api.DisposeAsync();
        if (message is null) Assert.Null(error);
        else Assert.Contains(message, error!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    //                          without limit, with limit: may a customer have a second reservation?
    [InlineData("Always", 409, 409)]
    [InlineData("UnlessLimited", 409, 201)]
    [InlineData("Never", 201, 201)]
    public async Task The_rule_of_one_active_reservation_is_a_setting(string rule, int unlimited, int limited)
    {
        var api = new Api(new() { ["Reservations:ActivePerCustomerAndSku"] = rule });
        await api.InitializeAsync();
        var plain = Api.OneLine(await api.NewSkuAsync(10), "u", 1);
        var scarce = Api.OneLine(await api.NewSkuAsync(10, maxPerCustomer: 5), "u", 1);
        foreach (var (body, status) in new[] { (plain, unlimited), (scarce, limited) })
        {
            Assert.Equal(201, (await api.SendAsync("POST", "/api/reservations", body)).Status);
            var second = await api.SendAsync("POST", "/api/reservations", body);
            Assert.Equal(status, second.Status);
            if (status == 409) second.AssertProblem(409, "active-reservation-exists");
        }
        await api.DisposeAsync();
    }
}
