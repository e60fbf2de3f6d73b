using System.Net.Http.Json;
using System.Text.Json.Nodes;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.Sessions;

/// <summary>The session cookie identifies a shopper if a gateway has issued it.</summary>
public sealed class SessionTests : TwoGateways
{
    [Theory]
    [InlineData("POST", "/reserve")]
    [InlineData("POST", "/extend")]
    [InlineData("POST", "/release")]
    [InlineData("POST", "/commit")]
    [InlineData("POST", "/api/reservations")]
    [InlineData("GET", "/api/reservations/1")]
    [InlineData("DELETE", "/api/reservations/1")]
    [InlineData("POST", "/api/reservations/1/extend")]
    [InlineData("POST", "/api/reservations/1/confirm")]
    public async Task A_shopper_is_known_from_the_first_request_on_by_every_gateway(string method, string path)
    {
        var first = await SendAsync(One, method, path);
        var subject = Shopper();
        var second = await SendAsync(Other, method, path, cookie: first.Cookie);

        Assert.NotNull(subject);
        Assert.Equal(subject, Shopper());
        Assert.Null(second.SetCookie);
    }

    [Theory]
    [InlineData("GET", "/snapshot/shoe")]
    [InlineData("GET", "/api/stock/shoe")]
    [InlineData("POST", "/api/payments/webhook")]
    [InlineData("PUT", "/api/products/shoe")]
    [InlineData("GET", "/docs")]
    public async Task Reads_and_administration_begin_no_session(string method, string path)
    {
        var answer = await SendAsync(One, method, path);

        Assert.Equal((200, null, null), (answer.Status, answer.SetCookie, Shopper()));
    }

    [Theory]
    [InlineData("http", "inventory-session=", false)]
    [InlineData("https", "__Host-inventory-session=", true)]
    public async Task The_cookie_is_hidden_from_scripts_and_small(string scheme, string name, bool secure)
    {
        var answer = await SendAsync(One, "POST", "/reserve", Home, null, ("X-Forwarded-Proto", scheme));

        var cookie = answer.SetCookie!.ToLowerInvariant();
        Assert.StartsWith(name.ToLowerInvariant(), cookie, StringComparison.Ordinal);
        Assert.InRange(answer.Cookie!.Length, 50, 250);
        Assert.Contains("; httponly", cookie, StringComparison.Ordinal);
        Assert.Contains("; samesite=lax", cookie, StringComparison.Ordinal);
        Assert.Contains("; path=/", cookie, StringComparison.Ordinal);
        Assert.Contains("; max-age=1800", cookie, StringComparison.Ordinal);
        Assert.Equal(secure, cookie.Contains("; secure", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cookie_with_a_changed_byte_is_ignored()
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();
        var value = cookie.IndexOf('=', StringComparison.Ordinal) + 1;
        // The last character has two unused bits.
        for (var i = value; i < cookie.Length - 1; i++)
        {
            var changed = cookie[..i] + (cookie[i] == 'A' ? 'B' : 'A') + cookie[(i + 1)..];
            var answer = await SendAsync(One, "POST", "/reserve", cookie: changed);

            Assert.Equal(200, answer.Status);
            Assert.NotNull(answer.Cookie);
            Assert.NotNull(Shopper());
            Assert.NotEqual(subject, Shopper());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("=")]
    [InlineData("AAAA")]
    [InlineData("not base64 at all!")]
    [InlineData("{long}")]
    public async Task A_malformed_cookie_is_ignored(string value)
    {
        var text = value.Replace("{long}", new string('A', 5_000), StringComparison.Ordinal);
        var answer = await SendAsync(One, "POST", "/reserve", cookie: $"inventory-session={text}");

        Assert.Equal(200, answer.Status);
        Assert.NotNull(answer.Cookie);
    }

    [Theory]
    [InlineData("X-Inventory-Shopper")]
    [InlineData("x-inventory-shopper")]
    public async Task A_shopper_header_from_outside_is_removed(string header)
    {
        var victim = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: victim);
        var subject = Shopper()!;

        await SendAsync(One, "POST", "/reserve", Home, null, (header, subject));
        Assert.NotEqual(subject, Shopper());

        await SendAsync(One, "POST", "/reserve", from: null, cookie: null, (header, subject));
        Assert.Null(Shopper());

        await SendAsync(One, "GET", "/snapshot/shoe", Home, null, (header, subject));
        Assert.Null(Shopper());
    }

    [Fact]
    public async Task A_caller_on_the_same_machine_gets_a_session_only_on_request()
    {
        var without = await SendAsync(One, "POST", "/reserve", from: null);
        Assert.Equal((200, null, null), (without.Status, without.SetCookie, Shopper()));

        var asked = await SendAsync(One, "GET", "/api/session", from: null);
        var session = await asked.Response.Content.ReadFromJsonAsync<JsonNode>();
        await SendAsync(Other, "POST", "/reserve", from: null, cookie: asked.Cookie);

        Assert.Equal(Shopper(), (string?)session!["subject"]);
        Assert.Equal(1_800, (int)session["expiresInSeconds"]!);
        Assert.Equal("no-store", asked.Header("Cache-Control"));
    }

    [Fact]
    public async Task A_backend_gets_no_session()
    {
        var cookie = await CookieAsync();
        var key = ("X-Api-Key", Identity.DemoKeys.Backend);
        var reserved = await SendAsync(One, "POST", "/reserve", Home, cookie, key);
        Assert.Equal((200, null, null), (reserved.Status, reserved.SetCookie, Shopper()));

        var asked = await SendAsync(One, "GET", "/api/session", Home, null, key);
        await ProblemAssert.IsProblemAsync(asked.Response, 404, "not-found", "/api/session");
        Assert.Null(asked.SetCookie);
    }

    [Fact]
    public async Task An_ended_session_is_refused_by_every_gateway_despite_its_valid_signature()
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();

        var ended = await SendAsync(One, "DELETE", "/api/session", cookie: cookie);
        Assert.Equal(204, ended.Status);
        Assert.Contains("expires=Thu, 01 Jan 1970", ended.SetCookie, StringComparison.Ordinal);

        var later = await SendAsync(Other, "POST", "/reserve", cookie: cookie);
        Assert.Equal(200, later.Status);
        Assert.NotNull(later.Cookie);
        Assert.NotEqual(subject, Shopper());
    }

    [Fact]
    public async Task A_session_is_not_ended_by_a_call_with_a_body()
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();
        async Task<HttpResponseMessage> EndAsync(string body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/session");
            request.Content = new StringContent(body);
            request.Headers.Add("X-Forwarded-For", Home);
            request.Headers.Add("Cookie", cookie);
            return await One.Client.SendAsync(request);
        }

        using var refused = await EndAsync("""{"after":600}""");
        await SendAsync(Other, "POST", "/reserve", cookie: cookie);

        await ProblemAssert.IsProblemAsync(refused, 400, "validation", "/api/session");
        Assert.Contains("\"errors\":{\"body\":", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(subject, Shopper());
        using var ended = await EndAsync(" {} ");
        Assert.Equal(204, (int)ended.StatusCode);
        using var again = await EndAsync("");
        Assert.Equal(204, (int)again.StatusCode);
    }

    [Fact]
    public async Task A_session_lasts_until_half_an_hour_after_the_last_request()
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();

        // A request after a minute renews the session; a client that ignores the new cookie keeps the session.
        Time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotNull((await SendAsync(One, "POST", "/reserve", cookie: cookie)).Cookie);
        Assert.Equal(subject, Shopper());
        Time.Advance(TimeSpan.FromMinutes(40));
        Assert.NotNull((await SendAsync(Other, "POST", "/reserve", cookie: cookie)).Cookie);
        Assert.Equal(subject, Shopper());

        // Idle for too long: simulates the expiry in Redis.
        await ForgetSessionsAsync();
        Assert.NotNull((await SendAsync(One, "POST", "/reserve", cookie: cookie)).Cookie);
        Assert.NotEqual(subject, Shopper());
    }

    [Fact]
    public async Task A_request_renews_the_record_only_when_it_is_due()
    {
        var cookie = await CookieAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString);
        var database = connection.GetDatabase();
        var record = Assert.Single(connection.GetServers().Single().Keys(pattern: "{gateway}:session:*").ToList());
        await database.KeyExpireAsync(record, TimeSpan.FromMinutes(29.5));
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        Assert.InRange((await database.KeyTimeToLiveAsync(record))!.Value.TotalMinutes, 29, 29.5);

        await database.KeyExpireAsync(record, TimeSpan.FromMinutes(1));
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        Assert.InRange((await database.KeyTimeToLiveAsync(record))!.Value.TotalMinutes, 29.5, 30);
    }

    [Fact]
    public async Task Sessions_survive_a_loss_of_all_data_in_Redis()
    {
        var cookie = await CookieAsync();
        await SendAsync(One, "POST", "/reserve", cookie: cookie);
        var subject = Shopper();

        await Redis.KillAsync();
        await Redis.RestartAsync();
        await SendAsync(Other, "POST", "/reserve", cookie: cookie);

        Assert.Equal(subject, Shopper());
    }

    private async Task ForgetSessionsAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString);
        foreach (var key in connection.GetServers().Single().Keys(pattern: "{gateway}:session:*").ToList())
        {
            await connection.GetDatabase().KeyDeleteAsync(key);
        }
    }
}
