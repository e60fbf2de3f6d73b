using System.Globalization;
using Inventory.Testing;

namespace Inventory.Gateway.Tests;

/// <summary>
/// Two gateways in front of one replica, with their own Redis that tests may break. Requests come through a trusted
/// proxy, so that a test can choose the caller's address; without it the caller is on this machine.
/// </summary>
public abstract class TwoGateways : IAsyncLifetime
{
    protected const string Home = "203.0.113.9";

    private Replica? replica;
    private RedisServer? redis;
    private RunningGateway? one;
    private RunningGateway? other;

    protected Replica Replica => replica!;

    protected RedisServer Redis => this.redis!;

    protected RunningGateway One => one!;

    protected RunningGateway Other => other!;

    protected MovableTime Time { get; } = new();

    /// <summary>Configuration that the tests of a class need to differ from the defaults.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    public async Task InitializeAsync()
    {
        replica = await Replica.StartAsync("replica", new BrokenConnections());
        this.redis = await RedisServer.StartAsync();
        // Both start at once without keys, as in a first deployment.
        var both = await Task.WhenAll(StartAsync(), StartAsync());
        (one, other) = (both[0], both[1]);
        foreach (var gateway in both)
        {
            // On a busy machine Redis may take longer than the start waits for it.
            if (gateway.Log.Count("no session is known") > 0) await gateway.Log.WaitForAsync("sessions can begin");
        }
    }

    public virtual async Task DisposeAsync()
    {
        await One.DisposeAsync();
        await Other.DisposeAsync();
        await Redis.DisposeAsync();
        await Replica.DisposeAsync();
    }

    /// <summary>Starts another gateway.</summary>
    /// <param name="settings">These come last, and so replace those of the class.</param>
    protected Task<RunningGateway> StartAsync(params (string Key, string Value)[] settings) =>
        RunningGateway.StartAsync(
        [Replica.Address], Time,
        [
            ("ConnectionStrings:redis", Redis.ConnectionString),
            ("Gateway:TrustedProxies:0", "127.0.0.1"),
            // Longer than pauses of a busy machine, which would switch a gateway to local limits. Also long enough to
            // tell a request that waited for Redis from one that was slow for another reason.
            ("Gateway:RateLimits:Patience", "00:00:02"),
            .. Settings,
            .. settings,
        ]);

    /// <summary>Sends a request as a caller at an address, or on this machine.</summary>
    protected static async Task<Answer> SendAsync(
        RunningGateway gateway, string method, string path, string? from = Home, string? cookie = null,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST") request.Content = new StringContent("{}");
        if (from is not null) request.Headers.Add("X-Forwarded-For", from);
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        var started = TimeProvider.System.GetTimestamp();
        var response = await gateway.Client.SendAsync(request);
        return new Answer(response, TimeProvider.System.GetElapsedTime(started));
    }

    /// <summary>Begins a session, and returns its cookie.</summary>
    protected async Task<string> CookieAsync(string from = Home)
    {
        var answer = await SendAsync(One, "GET", "/api/session", from);
        Assert.Equal(200, answer.Status);
        return answer.Cookie!;
    }

    /// <summary>The shopper header of the last request that the replica received, or null.</summary>
    protected string? Shopper() => Replica.Requests[^1].Headers.GetValueOrDefault("X-Inventory-Shopper");
}

/// <summary>An answer, and how long it took.</summary>
public sealed record Answer(HttpResponseMessage Response, TimeSpan Took)
{
    public int Status => (int)Response.StatusCode;

    /// <summary>The cookie that it sets, in the form of a request's header, or null.</summary>
    public string? Cookie => SetCookie?.Split(';')[0];

    public string? SetCookie => Header("Set-Cookie");

    public int Remaining => int.Parse(Header("X-RateLimit-Remaining")!, CultureInfo.InvariantCulture);

    public string? Header(string name) =>
        Response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}

/// <summary>
/// A clock that a test can move; durations are real. FakeTimeProvider would also stop the timers of a running gateway.
/// </summary>
public sealed class MovableTime : TimeProvider
{
    private TimeSpan ahead;

    public void Advance(TimeSpan by) => ahead += by;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + ahead;
}
