using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.Faults.History;

/// <summary>One SKU in both stores.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Initial">Units at the start of the run.</param>
/// <param name="Total">PostgreSQL's total.</param>
/// <param name="Version">PostgreSQL's version.</param>
/// <param name="RedisTotal">Redis' total.</param>
/// <param name="RedisVersion">Redis' version.</param>
/// <param name="Reserved">Redis' count of units held.</param>
/// <param name="Limit">Units that one customer may have; null for any number.</param>
public sealed record StockFact(
    string Sku, int Initial, int Total, long Version, int RedisTotal, long RedisVersion, int Reserved, int? Limit);

/// <summary>One row of <c>reservation_events</c>.</summary>
/// <param name="Reservation">The reservation.</param>
/// <param name="Sequence">Its number within the reservation.</param>
/// <param name="Type">The event type.</param>
/// <param name="Holder">The holder.</param>
/// <param name="DeadlineMs">The deadline after the event.</param>
/// <param name="Lines">The lines held.</param>
/// <param name="StreamId">Its id in the stream.</param>
/// <param name="AtMs">Its time by Redis' clock.</param>
public sealed record EventFact(
    Guid Reservation, int Sequence, string Type, string Holder, long DeadlineMs, IReadOnlyList<Line> Lines,
    string StreamId, long AtMs)
{
    /// <summary>The sort key of events in the order in which they happened.</summary>
    public (long Ms, long Number) Place
    {
        get
        {
            var parts = StreamId.Split('-');
            return (Number(parts[0]), Number(parts[1]));
            static long Number(string text) => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Clock.Show(AtMs)}  event {Sequence} {Type} {Holder} {Lined.Text(Lines)} until {Clock.Show(DeadlineMs)}";
}

/// <summary>One row of <c>reservations</c>, or one hold of Redis.</summary>
/// <param name="Reservation">The reservation.</param>
/// <param name="Status">Its status.</param>
/// <param name="Holder">The holder.</param>
/// <param name="DeadlineMs">Its deadline.</param>
/// <param name="Lines">The lines held.</param>
public sealed record HoldFact(
    Guid Reservation, string Status, string Holder, long DeadlineMs, IReadOnlyList<Line> Lines)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Status} {Holder} {Lined.Text(Lines)} until {Clock.Show(DeadlineMs)}";
}

/// <summary>One order.</summary>
/// <param name="Reservation">The reservation that became the order.</param>
/// <param name="Holder">The holder.</param>
/// <param name="PaymentId">Its payment.</param>
/// <param name="AtMs">When its units were sold.</param>
/// <param name="Lines">The lines bought.</param>
public sealed record OrderFact(
    Guid Reservation, string Holder, string? PaymentId, long AtMs, IReadOnlyList<Line> Lines)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Clock.Show(AtMs)}  order of {Holder} {Lined.Text(Lines)} {PaymentId}";
}

/// <summary>One row of <c>inventory_movements</c>.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units added; negative for units removed.</param>
/// <param name="Reason">The reason.</param>
/// <param name="Reference">The cause, such as the key of a restock call.</param>
/// <param name="AtMs">Its time.</param>
public sealed record MovementFact(string Sku, int Quantity, string Reason, string Reference, long AtMs);

/// <summary>One approved payment as it is stored.</summary>
/// <param name="EventId">The provider's name for the event.</param>
/// <param name="Reservation">The reservation that was paid for.</param>
/// <param name="PaymentId">The provider's name for the payment.</param>
/// <param name="Outcome">The settlement; null while it waits.</param>
public sealed record PaymentFact(string EventId, Guid Reservation, string PaymentId, string? Outcome)
{
    /// <inheritdoc/>
    public override string ToString() => $"payment {PaymentId}, event {EventId}: {Outcome ?? "waits"}";
}

/// <summary>One refund.</summary>
/// <param name="Reservation">The reservation that was paid for.</param>
/// <param name="PaymentId">The provider's name for the payment.</param>
/// <param name="Reason">The reason.</param>
public sealed record RefundFact(Guid Reservation, string PaymentId, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"refund of {PaymentId}: {Reason}";
}

/// <summary>Redis' count of one owner's units of one SKU.</summary>
/// <param name="Holder">The owner.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Confirmed">Units bought.</param>
/// <param name="Held">Units in holds.</param>
public sealed record UnitsFact(string Holder, string Sku, int Confirmed, int Held);

/// <summary>The state of both stores after the quiet phase.</summary>
public sealed record Facts
{
    /// <summary>Every SKU of the run.</summary>
    public IReadOnlyList<StockFact> Stock { get; init; } = [];

    /// <summary>The events of all reservations.</summary>
    public IReadOnlyList<EventFact> Events { get; init; } = [];

    /// <summary>PostgreSQL's reservations.</summary>
    public IReadOnlyList<HoldFact> Rows { get; init; } = [];

    /// <summary>Redis' holds.</summary>
    public IReadOnlyList<HoldFact> Holds { get; init; } = [];

    /// <summary>Orders.</summary>
    public IReadOnlyList<OrderFact> Orders { get; init; } = [];

    /// <summary>Movements, without those of orders.</summary>
    public IReadOnlyList<MovementFact> Movements { get; init; } = [];

    /// <summary>Approved payments.</summary>
    public IReadOnlyList<PaymentFact> Payments { get; init; } = [];

    /// <summary>Refunds.</summary>
    public IReadOnlyList<RefundFact> Refunds { get; init; } = [];

    /// <summary>Redis' counts per owner that are not zero.</summary>
    public IReadOnlyList<UnitsFact> Units { get; init; } = [];

    /// <summary>Findings of the product's audit, dead letters, and a quiet phase that did not end.</summary>
    public IReadOnlyList<Complaint> Complaints { get; init; } = [];
}

/// <summary>A finding of the product's audit, a dead letter, or a condition that was not met in time.</summary>
/// <param name="Text">The description.</param>
/// <param name="Kind">The audit's kind of finding.</param>
/// <param name="Reservation">The reservation that it concerns.</param>
public sealed record Complaint(string Text, string? Kind = null, Guid? Reservation = null);

/// <summary>Lines as text.</summary>
public static class Lined
{
    /// <summary>The lines in order of SKU, so that equal lines have equal texts.</summary>
    public static string Text(IReadOnlyList<Line> lines) => string.Join(
        ',', lines.OrderBy(line => line.Sku, StringComparer.Ordinal).Select(line => $"{line.Sku}:{line.Quantity}"));
}
