namespace Inventory.ReservationApi.Tests;

/// <summary>Settings that make no sense stop the service at its start, and those that do change what it does.</summary>
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
    public async Task A_setting_that_makes_no_sense_stops_the_service(string name, string value)
    {
        var api = new Api(new() { [name] = value });
        var error = await Record.ExceptionAsync(api.InitializeAsync);
        await api.DisposeAsync();
        Assert.NotNull(error);
        Assert.Contains(name.Split(':')[1], error.ToString(), StringComparison.Ordinal);
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
