using System.Net;
using Inventory.ServiceDefaults.Overload;
using Inventory.Testing;

namespace Inventory.Gateway.Tests.Proxying;

/// <summary>The gateway sheds low-priority requests before they reach a replica.</summary>
public sealed class OverloadTests : TwoReplicas
{
    private const int PerCore = 4;
    private static readonly int MostBrowsing = PerCore * Environment.ProcessorCount / 2;

    protected override (string Key, string Value)[] Settings =>
    [
        ("Overload:InFlightPerCore", $"{PerCore}"),
        ("Overload:BrowsingWait", "00:00:00.100"),
        ("Gateway:Limits:RequestTimeout", "00:01:00"),
    ];

    [Fact]
    public async Task Reads_above_the_limit_are_shed_and_other_requests_pass()
    {
        using var leaving = new CancellationTokenSource();
        var slow = Enumerable.Range(0, MostBrowsing).Select(_ => Client.GetAsync("/api/slow", leaving.Token)).ToArray();
        await Eventually.TrueAsync(() => One.Requests.Count + Other.Requests.Count >= MostBrowsing);

        using var shed = await Client.GetAsync("/api/stock/shoe");
        await ProblemAssert.IsShedAsync(shed);
        foreach (var (method, path) in new[]
        {
            ("POST", "/api/reservations"), ("POST", "/api/reservations/1/confirm"), ("POST", "/commit"),
            ("POST", "/api/reservations/1/extend"), ("DELETE", "/api/reservations/1"),
            ("POST", "/api/payments/webhook"), ("GET", "/api/operations/cache"),
        })
        {
            using var response = await Client.SendAsync(Request(method, path));
            Assert.Equal((200, path), ((int)response.StatusCode, path));
        }

        using var stream = await Client.GetAsync("/api/stock/shoe/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)stream.StatusCode);
        await leaving.CancelAsync();
        foreach (var gone in slow) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        // A finished request makes room for another.
        await Eventually.EqualAsync(HttpStatusCode.OK, async () =>
        {
            using var again = await Client.GetAsync("/api/stock/shoe");
            return again.StatusCode;
        });
    }

    [Fact]
    public void Routes_have_the_priority_of_their_purpose()
    {
        Assert.Equal(
            [
                "api-reads Browsing", "docs Browsing", "events Browsing", "openapi Browsing", "problems Browsing",
                "queue-ticket Browsing", "reservation Browsing", "reservation-batch Reserving",
                "reservations Reserving", "reserve Reserving", "snapshot Browsing",
            ],
            from endpoint in Gateway.Endpoints
            let mark = endpoint.Metadata.GetMetadata<MayBeShed>()
            where mark is not null
            select $"{endpoint.DisplayName} {mark.Priority}" into line
            orderby line
            select line);
    }
}
