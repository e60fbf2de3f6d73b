using System.Net;
using System.Net.Sockets;
using Inventory.Testing;

namespace Inventory.Gateway.Tests.Attacks;

/// <summary>Clients that hold what others need: connections, and requests that arrive slowly.</summary>
public sealed class SlowClientTests : TwoReplicas
{
    private const int PerAddress = 40;

    protected override (string Key, string Value)[] Settings =>
    [
        ("Overload:InFlightPerCore", "2"),
        ("Overload:BrowsingWait", "00:00:00.050"),
        ("Overload:ReservingWait", "00:00:00.050"),
        ("Gateway:Limits:ConnectionsPerReplica", "8"),
        ("Gateway:Limits:ConnectionsPerAddress", $"{PerAddress}"),
        ("Gateway:Limits:RequestTimeout", "00:00:05"),
    ];

    [Theory]
    [InlineData("/api/reservations")]
    [InlineData("/api/reservations/batch")]
    [InlineData("/reserve")]
    [InlineData("/api/payments/webhook")]
    [InlineData("/api/reservations/1/confirm")]
    public async Task Bodies_that_never_end_take_no_place_from_others(string path)
    {
        using var slow = new Crowd();
        for (var i = 0; i < PerAddress; i++)
        {
            var client = await slow.JoinAsync(Gateway.Address.Port, "127.0.0.2");
            await client.SendAsync($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{\"sku\"");
        }

        foreach (var other in new[] { path, "/api/reservations", "/api/payments/webhook" })
        {
            using var response = await Client.SendAsync(Request("POST", other));
            Assert.Equal((other, HttpStatusCode.OK), (other, response.StatusCode));
        }

        using var read = await Client.GetAsync("/api/stock/shoe");
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Equal("HTTP/1.1 408 Request Timeout", await slow.First.LineAsync());
        Assert.Contains("/problems/request-timeout", await slow.First.RestAsync(), StringComparison.Ordinal);
        // None of the slow requests reached a replica.
        Assert.Equal(4, One.Requests.Count + Other.Requests.Count);
    }

    [Fact]
    public void A_body_that_starves_is_ended_after_five_seconds()
    {
        var rate = Gateway.ServerLimits.MinRequestBodyDataRate;

        Assert.Equal((240, TimeSpan.FromSeconds(5)), (rate?.BytesPerSecond, rate?.GracePeriod));
    }

    [Fact]
    public async Task A_body_in_pieces_arrives_whole()
    {
        using var client = await RawClient.ConnectAsync(Gateway.Address.Port);
        await client.SendAsync("POST /api/reservations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue", await client.LineAsync());
        foreach (var piece in new[] { "{\"sku\":", "\"shoe\"", "}" })
        {
            await client.SendAsync($"{piece.Length:X}\r\n{piece}\r\n");
        }

        await client.SendAsync("0\r\n\r\n");
        Assert.Contains("HTTP/1.1 200", await client.RestAsync(), StringComparison.Ordinal);
        Assert.Equal("{\"sku\":\"shoe\"}", Assert.Single(One.Requests.Concat(Other.Requests)).Body);
    }

    [Fact]
    public async Task One_address_gets_its_connections_and_others_get_theirs()
    {
        using var idle = new Crowd();
        for (var i = 0; i < PerAddress; i++)
        {
            await (await idle.JoinAsync(Gateway.Address.Port, "127.0.0.2"))
                .SendAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }

        // Each of these is served, so each is counted.
        foreach (var client in idle.All) Assert.Equal("HTTP/1.1 200 OK", await client.LineAsync());

        Assert.True(await IsClosedAsync("127.0.0.2"));
        using (var other = await RawClient.ConnectAsync(Gateway.Address.Port, "127.0.0.3"))
        {
            await other.SendAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            Assert.Equal("HTTP/1.1 200 OK", await other.LineAsync());
        }

        idle.First.Dispose();
        await Eventually.TrueAsync(async () =>
        {
            using var next = await RawClient.ConnectAsync(Gateway.Address.Port, "127.0.0.2");
            await next.SendAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            return await next.LineAsync() == "HTTP/1.1 200 OK";
        }, isTransient: e => e is IOException or SocketException);
    }

    /// <summary>Whether the gateway closes a new connection, which a client may see before it has connected.</summary>
    private async Task<bool> IsClosedAsync(string from)
    {
        try
        {
            using var client = await RawClient.ConnectAsync(Gateway.Address.Port, from);
            return await client.LineAsync() is null;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    private sealed class Crowd : IDisposable
    {
        private readonly List<RawClient> all = [];

        public IReadOnlyList<RawClient> All => all;

        public RawClient First => all[0];

        public async Task<RawClient> JoinAsync(int port, string from)
        {
            all.Add(await RawClient.ConnectAsync(port, from));
            return all[^1];
        }

        public void Dispose()
        {
            foreach (var client in all) client.Dispose();
        }
    }
}
