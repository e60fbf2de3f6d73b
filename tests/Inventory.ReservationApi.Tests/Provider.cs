using System.Globalization;
using Inventory.Testing;

namespace Inventory.ReservationApi.Tests;

/// <summary>A payment provider: signs events and sends them.</summary>
internal sealed class Provider(Api api)
{
    /// <summary>The webhook secret of Development.</summary>
    public const string Secret = "whsec_b25seS1mb3ItbG9jYWwtZGVtb25zdHJhdGlvbnMtMDE=";

    public static string Payment(string type, Guid reservation, string payment) =>
        Payment(type, reservation, payment, "1990", "\"EUR\"");

    /// <param name="type">The event's type.</param>
    /// <param name="reservation">The reservation.</param>
    /// <param name="payment">The provider's name for the payment.</param>
    /// <param name="amount">As JSON.</param>
    /// <param name="currency">As JSON.</param>
    public static string Payment(string type, Guid reservation, string payment, string amount, string currency)
    {
        var money = $$"""
            "amount":{{amount}},"currency":{{currency}}
            """;
        return $$"""
            {"type":"{{type}}","data":{"reservationId":"{{reservation}}","paymentId":"{{payment}}",{{money}}} }
            """;
    }

    /// <summary>A refund or a dispute.</summary>
    /// <param name="type">The event's type.</param>
    /// <param name="reservation">The reservation.</param>
    /// <param name="payment">The provider's name for the payment.</param>
    /// <param name="amount">In minor units.</param>
    /// <param name="currency">The currency's code.</param>
    /// <param name="reference">The provider's name for it; null leaves it out.</param>
    /// <param name="at">The day of November on which it happened.</param>
    public static string Reversal(
        string type, Guid reservation, string payment, long amount, string currency = "EUR", string? reference = null,
        int at = 30)
    {
        var named = reference is null ? "" : $",\"reference\":\"{reference}\"";
        return $$"""
            {"type":"{{type}}","timestamp":"2026-11-{{at:D2}}T12:00:00Z","data":{"reservationId":"{{reservation}}",
            "paymentId":"{{payment}}","amount":{{amount}},"currency":"{{currency}}"{{named}}} }
            """;
    }

    public Task<Answer> ApproveAsync(Guid reservation, string payment, string? id = null) =>
        SendAsync(Payment("payment.approved", reservation, payment), id);

    public Task<Answer> FailAsync(Guid reservation, string payment) =>
        SendAsync(Payment("payment.failed", reservation, payment));

    public Task<Answer> SendAsync(string body, string? id = null)
    {
        id ??= Api.Fresh("evt");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return SendAsync(body, id, now, Sign(Secret, id, now, body));
    }

    public async Task<Answer> SendAsync(string body, string? id, string? timestamp, string? signature)
    {
        using var request = SignedWebhook.Request(body, id, timestamp, signature);
        return await api.SendAsync(request);
    }

    public static string Sign(string secret, string id, string timestamp, string body) =>
        SignedWebhook.Sign(Convert.FromBase64String(secret[SignedWebhook.Prefix.Length..]), id, timestamp, body);
}
