using System.Text.Json;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Operations;

/// <summary>Operators see the state of the gateways' guard and can override it.</summary>
[Collection(ApiTests.Name)]
public sealed class GuardTests(Api api)
{
    private const string Path = "/api/operations/guard";

    private IDatabase Database => api.Get<IConnectionMultiplexer>().GetDatabase();

    [Fact]
    public async Task The_state_written_by_gateways_is_shown()
    {
        var sku = Api.Fresh("sku");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await Database.HashSetAsync(
            "{gateway}:guard:tightened",
            [new($"sku:{sku}", $"{now - 1_000} {now + 60_000} 120"), new("session:gone", $"{now - 9} {now - 1} 20")]);
        await Database.HashSetAsync("{gateway}:guard", [new("issued", 7), new("solved", 3), new("refused", 4)]);
        await Database.StreamAddAsync(
            "{gateway}:guard:events", [new("event", "tightened"), new("who", $"sku:{sku}"), new("units", 120)]);

        var guard = await ReadAsync();

        var tightened = Assert.Single(guard.GetProperty("tightened").EnumerateArray());
        Assert.Equal(
            ("sku", sku, 120L),
            (Text(tightened, "kind"), Text(tightened, "name"), tightened.GetProperty("units").GetInt64()));
        Assert.Equal(
            TimeSpan.FromSeconds(61),
            tightened.GetProperty("until").GetDateTime() - tightened.GetProperty("since").GetDateTime());
        var challenges = guard.GetProperty("challenges");
        Assert.Equal(
            (7, 3, 4),
            (challenges.GetProperty("issued").GetInt32(), challenges.GetProperty("solved").GetInt32(),
                challenges.GetProperty("refused").GetInt32()));
        Assert.Contains(
            guard.GetProperty("recent").EnumerateArray(),
            one => Text(one, "event") == "tightened" && Text(one, "name") == sku);
    }

    [Fact]
    public async Task A_switch_is_shown_with_its_reason_until_it_is_automatic_again()
    {
        var sku = Api.Fresh("sku");
        var version = (long)await Database.HashGetAsync("{gateway}:guard", "version");

        var on = await SwitchAsync(sku, """{"mode":"on","reason":"Sale at noon"}""");
        var shown = Assert.Single(await SwitchedAsync(sku));
        var off = await SwitchAsync(sku, """{"mode":"off","reason":"An invited crowd"}""");
        var automatic = await SwitchAsync(sku, """{"mode":"automatic","reason":"Over"}""");

        Assert.Equal((200, 200, 200), (on.Status, off.Status, automatic.Status));
        Assert.Equal(
            ("on", "key:admin", "Sale at noon"), (Text(shown, "mode"), Text(shown, "by"), Text(shown, "reason")));
        Assert.Empty(await SwitchedAsync(sku));
        Assert.Equal(
            ["switched automatic", "switched off", "switched on"],
            (await ReadAsync()).GetProperty("recent").EnumerateArray()
                .Where(one => Text(one, "name") == sku).Select(one => Text(one, "event")));
        // Each switch raises the version that gateways poll.
        Assert.True((long)await Database.HashGetAsync("{gateway}:guard", "version") >= version + 3);
    }

    [Theory]
    [InlineData("sku-1", """{"mode":"on"}""", 400)]
    [InlineData("sku-1", """{"mode":"on","reason":" "}""", 400)]
    [InlineData("sku-1", """{"mode":"on","reason":"a\tb"}""", 400)]
    [InlineData("sku-1", """{"mode":"On","reason":"why"}""", 400)]
    [InlineData("sku-1", """{"mode":"on","reason":"why","for":1}""", 400)]
    [InlineData("no\tsku", """{"mode":"on","reason":"why"}""", 400)]
    [InlineData("sku-1", "on", 400)]
    public async Task An_invalid_switch_is_refused(string sku, string body, int status)
    {
        var answer = await SwitchAsync(Uri.EscapeDataString(sku), body);

        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain(await SwitchedAsync(sku), _ => true);
    }

    private async Task<JsonElement> ReadAsync()
    {
        var answer = await api.SendWithAsync("GET", Path, null, $"X-Api-Key: {Api.Key("admin")}");
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private async Task<IEnumerable<JsonElement>> SwitchedAsync(string sku) =>
        (await ReadAsync()).GetProperty("switched").EnumerateArray().Where(one => Text(one, "sku") == sku);

    private Task<Answer> SwitchAsync(string sku, string body) =>
        api.SendWithAsync("PUT", $"{Path}/skus/{sku}", body, $"X-Api-Key: {Api.Key("admin")}");

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
