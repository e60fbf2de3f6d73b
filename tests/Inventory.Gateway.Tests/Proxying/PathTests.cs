using Inventory.Gateway.Tests.Attacks;

namespace Inventory.Gateway.Tests.Proxying;

/// <summary>A name in a path reaches the API as it was sent. The API decodes it once.</summary>
public sealed class PathTests : TwoReplicas
{
    // A gateway in Development serves only names of its machine.
    protected override (string Key, string Value)[] Settings => [("AllowedHosts", "*")];

    public static TheoryData<string> Names =>
    [
        "a/b", "a b", "a+b", "Größe 38/40", "日本", "x{y}", "cap:1,mug", "100%", "100%41", "a%2Fb", "a%252Fb", @"a\b",
        "a?b#c", "../etc", "..%2F..", "a;b=c", "😀",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_name_is_forwarded_as_it_was_sent(string name)
    {
        var encoded = Uri.EscapeDataString(name);
        using var answer = await Client.GetAsync(new Uri($"/api/stock/{encoded}?also={encoded}", UriKind.Relative));

        Assert.True(answer.IsSuccessStatusCode);
        var target = TheRequest().Target;
        Assert.Equal(name, Uri.UnescapeDataString(target["/api/stock/".Length..target.IndexOf('?')]));
        Assert.Equal($"?also={encoded}", target[target.IndexOf('?')..]);
    }

    [Theory]
    [InlineData("/api/stock/a%2fb")]
    [InlineData("/api/stock/a%252fb")]
    [InlineData("/api/stock/a%25%32%46b")]
    [InlineData("/api/stock/%FF")]
    [InlineData("/api/stock/%C3%28")]
    [InlineData("/api/stock/100%")]
    [InlineData("/api/stock/..%2Foperations")]
    [InlineData("/api/stock/x/../a%2Fb")]
    [InlineData("/api/stock/x/%2E%2E/a%2Fb")]
    [InlineData("/api/stock/%252E%252E/b")]
    [InlineData(@"/api/stock/a%5C..%5C%2Fb")]
    [InlineData("/api/stock/a%2Fb?x=1&y=%2F%zz")]
    [InlineData("http://shop.example/api/stock/a%2541?x=1")]
    public async Task A_replica_reads_the_path_that_the_gateway_has_read(string target)
    {
        await AskAsync(One.Port, target);
        var direct = TheRequest();

        await AskAsync(Gateway.Address.Port, target);

        var all = One.Requests.Concat(Other.Requests).ToList();
        Assert.Equal(2, all.Count);
        Assert.All(all, request => Assert.Equal(direct.Path, request.Path));
        Assert.All(all, request => Assert.EndsWith(request.Target, target, StringComparison.Ordinal));
    }

    private static async Task AskAsync(int port, string target)
    {
        using var client = await RawClient.ConnectAsync(port);
        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await client.LineAsync(), StringComparison.Ordinal);
    }

    private Received TheRequest() => Assert.Single(One.Requests.Concat(Other.Requests));
}
