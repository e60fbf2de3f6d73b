using System.Diagnostics.Metrics;
using Inventory.Ledger;

namespace Inventory.Settlement;

/// <summary>Metrics of settlement.</summary>
public sealed class SettlementMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Inventory.Settlement";

    private readonly Counter<long> payments;
    private readonly Counter<long> refunds;
    private long unsettled = -1;

    /// <param name="meters">Makes the meter.</param>
    public SettlementMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        payments = meter.CreateCounter<long>("inventory.payments", "{payment}", "Payment events settled, by outcome.");
        refunds = meter.CreateCounter<long>(
            "inventory.refunds_required", "{payment}", "Payments that have to be refunded, by reason.");
        meter.CreateObservableGauge(
            "inventory.payments.unsettled",
            () => Volatile.Read(ref unsettled) is >= 0 and var count ? [new(count)] : Array.Empty<Measurement<long>>(),
            "{payment}",
            "Payment events that are not settled yet. Only the reconciliation worker reports it.");
    }

    /// <summary>Counts one settled event.</summary>
    public void Settled(PaymentVerdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        payments.Add(1, new KeyValuePair<string, object?>("inventory.outcome", verdict.Outcome));
        if (verdict.Reason is not null) Refunded(verdict.Reason);
    }

    /// <summary>Counts one payment that has to be refunded.</summary>
    /// <param name="reason">See <see cref="Refund.Word"/>.</param>
    public void Refunded(string reason) =>
        refunds.Add(1, new KeyValuePair<string, object?>("inventory.reason", reason));

    /// <summary>Sets the number of unsettled events.</summary>
    public void Unsettled(long count) => Volatile.Write(ref unsettled, count);
}
