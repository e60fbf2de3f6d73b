using System.Net;

namespace Inventory.Gateway.Tests.Proxying;

/// <summary>Failures of replicas are hidden from callers as far as a request can be repeated safely.</summary>
public sealed class ReplicaFailureTests : TwoReplicas
{
    // A short connect timeout for the one test that waits for it; connecting on loopback takes microseconds.
    protected override (string Key, string Value)[] Settings => [("Gateway:Limits:ConnectTimeout", "00:00:00.250")];

    /// <summary>Part of YARP's lines when the probe or a connection finds a replica unhealthy.</summary>
    private const string Unhealthy = "'Unhealthy";

    [Fact]
    public async Task Both_replicas_serve()
    {
        for (var i = 0; i < 100; i++) await Client.GetStringAsync("/api/reservations/1");

        Assert.InRange(One.Requests.Count, 20, 80);
        Assert.Equal(100, One.Requests.Count + Other.Requests.Count);
    }

    [Theory]
    //          method    idempotency key
    [InlineData("GET", null)]
    [InlineData("POST", "key-1")]
    [InlineData("POST", null)]
    [InlineData("PUT", null)]
    [InlineData("DELETE", null)]
    public async Task No_request_fails_when_a_replica_refuses_connections(string method, string? key)
    {
        await One.KillAsync();

        for (var i = 0; i < 30; i++)
        {
            using var response = await Client.SendAsync(Request(method, "/api/reservations/1", key));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(30, Other.Requests.Count);
        if (method != "GET") Assert.All(Other.Requests, request => Assert.Equal("""{"sku":"shoe"}""", request.Body));
    }

    [Fact]
    public async Task A_killed_replica_leaves_the_rotation_with_its_first_refusal_and_returns_after_its_restart()
    {
        await One.KillAsync();
        while (Gateway.Log.Count(Unhealthy) == 0)
        {
            using var response = await Client.GetAsync("/api/reservations/1");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await One.StartAsync();
        while (One.Requests.Count == 0) await Client.GetStringAsync("/api/reservations/1");

        // At most one line from connections and one from the probe.
        Assert.InRange(Gateway.Log.Count(Unhealthy), 1, 2);
        Assert.DoesNotContain(Gateway.Log.All, line => line.Text.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replica_that_hangs_leaves_the_rotation_without_a_single_request()
    {
        One.Hang();

        await Gateway.Log.WaitForAsync(Unhealthy);

        for (var i = 0; i < 20; i++) Assert.Equal("other", await Client.GetStringAsync("/api/reservations/1"));
    }

    [Theory]
    //          method  key      ->  status  executions
    [InlineData("GET", null, 200, 2)]
    [InlineData("HEAD", null, 200, 2)]
    [InlineData("POST", "key-1", 200, 2)]
    [InlineData("DELETE", "key-1", 200, 2)]
    [InlineData("POST", null, 502, 1)]
    [InlineData("PUT", null, 502, 1)]
    [InlineData("DELETE", null, 502, 1)]
    public async Task A_request_that_may_have_been_executed_is_repeated_only_when_that_is_safe(
        string method, string? key, int status, int executions)
    {
        Connections.BreakNext(1);

        using var response = await Client.SendAsync(Request(method, "/api/reservations/1", key));

        Received[] all = [.. One.Requests, .. Other.Requests];
        Assert.Equal(executions, all.Length);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.All(all, request => Assert.Equal(all[0].Body, request.Body));
        if (status != 502) return;
        await ProblemAssert.IsProblemAsync(response, 502, "upstream-interrupted", "/api/reservations/1");
    }

    [Fact]
    public async Task A_request_is_tried_at_most_twice()
    {
        Connections.BreakNext(10);

        using var response = await Client.SendAsync(Request("POST", "/api/reservations", "key-1"));

        await ProblemAssert.IsProblemAsync(response, 502, "upstream-interrupted", "/api/reservations");
        await Gateway.Log.WaitForAsync("without an answer since the last line: 1;");
        Assert.Single(One.Requests);
        Assert.Single(Other.Requests);
    }

    [Theory]
    [InlineData("GET", "/api/reservations/1")]
    [InlineData("POST", "/api/reservations")]
    [InlineData("POST", "/reserve")]
    [InlineData("GET", "/api/stock/shoe/stream")]
    public async Task Without_replicas_the_answer_has_Retry_After(string method, string path)
    {
        await One.KillAsync();
        await Other.KillAsync();

        for (var i = 0; i < 5; i++)
        {
            using var request = Request(method, path);
            request.Headers.Add("Accept", "text/event-stream");
            using var response = await Client.SendAsync(request);
            await ProblemAssert.IsProblemAsync(response, 503, "upstream-unavailable", path);
        }
    }

    [Fact]
    public async Task The_first_replica_to_return_serves_at_once()
    {
        await One.KillAsync();
        await Other.KillAsync();
        using (await Client.GetAsync("/api/reservations/1")) await One.StartAsync();

        Assert.Equal("one", await Client.GetStringAsync("/api/reservations/1"));
    }

    [Fact]
    public async Task A_replica_that_drops_connection_attempts_costs_a_second_attempt_and_not_the_request()
    {
        using var swallowing = new SwallowingPort();
        await using var gateway = await RunningGateway.StartAsync([swallowing.Address, Other.Address], Settings);

        for (var i = 0; i < 5; i++)
        {
            using var response = await gateway.Client.SendAsync(Request("POST", "/api/reservations"));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(5, Other.Requests.Count);
    }
}
