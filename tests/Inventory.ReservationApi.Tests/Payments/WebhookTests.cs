using System.Globalization;

namespace Inventory.ReservationApi.Tests.Payments;

/// <summary>Signatures of webhooks, and malformed events.</summary>
public sealed class WebhookTests(WebhookTests.TwoSecrets secrets) : IClassFixture<WebhookTests.TwoSecrets>
{
    private const string Other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private const string Event = "evt-1";

    private readonly Provider provider = new(secrets.Shop.Api);

    /// <summary>An API during the replacement of its secrets.</summary>
    public sealed class TwoSecrets : IAsyncLifetime
    {
        public Shop Shop { get; } = new(new() { ["Payments:WebhookSecrets:1"] = Other });

        public Task InitializeAsync() => Shop.InitializeAsync();

        public Task DisposeAsync() => Shop.DisposeAsync();
    }

    private static string Now(int offsetSeconds = 0) => (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()
        + offsetSeconds).ToString(CultureInfo.InvariantCulture);

    [Fact]
    public async Task An_event_without_a_valid_signature_changes_nothing()
    {
        var (now, old, future) = (Now(), Now(-301), Now(320));
        var body = Provider.Payment("payment.approved", Guid.NewGuid(), "pay-1");
        var good = Provider.Sign(Provider.Secret, Event, now, body);
        const string unknown = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        Task<Answer>[] forged =
        [
            provider.SendAsync(body, Event, now, null),
            provider.SendAsync(body, null, now, good),
            provider.SendAsync(body, Event, null, good),
            provider.SendAsync(body, Event, "soon", good),
            provider.SendAsync(body, "evt-2", now, good),
            provider.SendAsync(body, Event, Now(1), good),
            provider.SendAsync(body + " ", Event, now, good),
            provider.SendAsync(body, Event, now, good[..^4]),
            provider.SendAsync(body, Event, now, good.Replace("v1,", "v2,", StringComparison.Ordinal)),
            provider.SendAsync(body, Event, now, Provider.Sign(unknown, Event, now, body)),
        ];
        foreach (var answer in await Task.WhenAll(forged)) answer.AssertProblem(401, "webhook-signature-invalid");
        foreach (var time in new[] { old, future })
        {
            (await provider.SendAsync(body, Event, time, Provider.Sign(Provider.Secret, Event, time, body)))
                .AssertProblem(401, "webhook-timestamp-out-of-tolerance");
        }

        Assert.Equal(0, await StoredAsync(Event));
    }

    [Theory]
    [InlineData("", "malformed-request")]
    [InlineData("{", "malformed-request")]
    [InlineData("[]", "validation")]
    [InlineData("{}", "validation")]
    [InlineData("""{"type":"payment.approved"}""", "validation")]
    [InlineData("""{"type":"payment.approved","type":"payment.failed"}""", "malformed-request")]
    [InlineData("""{"type":"payment.approved","data":{"reservationId":"1","paymentId":"p"}}""", "validation")]
    [InlineData(
        """{"type":"payment.approved","data":{"reservationId":"019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10"}}""",
        "validation")]
    [InlineData(
        """
        {"type":"payment.failed","data":{"reservationId":"019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10","paymentId":"p",
        "note":"\u0000"}}
        """,
        "malformed-request")]
    public async Task A_malformed_event_is_refused(string body, string slug)
    {
        (await provider.SendAsync(body, "evt-bad")).AssertProblem(400, slug);
        Assert.Equal(0, await StoredAsync("evt-bad"));
    }

    [Theory]
    [InlineData("-500", "\"EUR\"", "data.amount")]
    [InlineData("0.01", "\"EUR\"", "data.amount")]
    [InlineData("1990.0", "\"EUR\"", "data.amount")]
    [InlineData("1e3", "\"EUR\"", "data.amount")]
    [InlineData("1e400", "\"EUR\"", "data.amount")]
    [InlineData("9007199254740992", "\"EUR\"", "data.amount")]
    [InlineData("\"1990\"", "\"EUR\"", "data.amount")]
    [InlineData("null", "\"EUR\"", "data.amount")]
    [InlineData("1990", "null", "data.currency")]
    [InlineData("1990", "\"XXX\"", "data.currency")]
    [InlineData("1990", "\"BGN\"", "data.currency")]
    [InlineData("1990", "\"eur\"", "data.currency")]
    [InlineData("1990", "978", "data.currency")]
    public async Task What_is_no_amount_of_money_is_refused_and_nothing_is_stored(
        string amount, string currency, string field)
    {
        foreach (var type in new[] { "payment.approved", "payment.failed" })
        {
            var body = Provider.Payment(type, Guid.NewGuid(), "pay-1", amount, currency);
            var answer = await provider.SendAsync(body, "evt-amount");

            answer.AssertProblem(400, "validation");
            Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
        }

        Assert.Equal(0, await StoredAsync("evt-amount"));
    }

    [Fact]
    public async Task Another_payment_under_the_id_of_an_event_is_refused_and_recorded_once()
    {
        var reservation = Guid.NewGuid();
        var first = Provider.Payment("payment.failed", reservation, "pay-1");
        Assert.Equal(200, (await provider.SendAsync(first, "evt-reused")).Status);
        string[] others =
        [
            Provider.Payment("payment.approved", reservation, "pay-1"),
            Provider.Payment("payment.failed", reservation, "pay-2"),
            Provider.Payment("payment.failed", Guid.NewGuid(), "pay-1"),
            Provider.Payment("payment.failed", reservation, "pay-1", "1991", "\"EUR\""),
            Provider.Payment("payment.failed", reservation, "pay-1", "1990", "\"USD\""),
            Provider.Payment("payment.approved", reservation, "pay-1", "1990", "\"USD\""),
            Provider.Payment("payment.approved", reservation, "pay-1|1990|USD", "null", "null"),
        ];

        foreach (var other in others)
        {
            (await provider.SendAsync(other, "evt-reused")).AssertProblem(409, "webhook-id-reused");
            (await provider.SendAsync(other, "evt-reused")).AssertProblem(409, "webhook-id-reused");
        }

        // Members that are not known here may change from one attempt to the next.
        var again = first.Replace(
            "\"data\":{", "\"timestamp\":\"2026-11-30T12:00:00Z\",\"data\":{\"attempt\":2,", StringComparison.Ordinal);
        Assert.Equal(200, (await provider.SendAsync(again, "evt-reused")).Status);
        Assert.Equal(1, await StoredAsync("evt-reused"));
        Assert.Equal(others.Length, await secrets.Shop.ReadAsync<long>(
            """
            SELECT count(*) FROM outbox
            WHERE kind = 'payment_event_conflict' AND payload ->> 'eventId' = 'evt-reused'
            """));
    }

    [Fact]
    public async Task Each_secret_is_accepted_and_one_valid_signature_of_several_is_enough()
    {
        var now = Now();
        const string body = """{"type":"invoice.paid","data":7}""";
        var other = Provider.Sign(Other, Event, now, body);

        var answers = new[]
        {
            await provider.SendAsync(body, Event), await provider.SendAsync(body, Event, now, other),
            await provider.SendAsync(body, Event, now, $"v1a,abc v1,AAAA {other}"),
        };

        Assert.All(answers, answer => Assert.Equal((204, 0), (answer.Status, answer.Body.Length)));
        Assert.Equal(0, await StoredAsync(Event));
    }

    private Task<long> StoredAsync(string id) =>
        secrets.Shop.ReadAsync<long>($"SELECT count(*) FROM payment_events WHERE event_id = '{id}'");
}
