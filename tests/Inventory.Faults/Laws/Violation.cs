namespace Inventory.Faults.Laws;

/// <summary>What must hold, whatever dies; the numbers are those of the list in docs/faults.md.</summary>
public enum Law
{
    /// <summary>1: available and reserved never fall below 0.</summary>
    NeverNegative = 1,

    /// <summary>2: reserved is the sum of active holds.</summary>
    ReservedIsTheSumOfHolds,

    /// <summary>3: a reservation is held whole or not at all, and nothing but it is sold.</summary>
    Whole,

    /// <summary>4: a reservation ends once.</summary>
    EndsOnce,

    /// <summary>5: units sold never exceed units received, and the total says what is left.</summary>
    NeverOversold,

    /// <summary>6: no hold ends before its deadline, unless its holder or an order ends it.</summary>
    NeverEarly,

    /// <summary>7: extending brings nothing back.</summary>
    NeverResurrected,

    /// <summary>8: one key has one effect and one answer.</summary>
    OneKeyOneEffect,

    /// <summary>9: what happens to a reservation was asked for, or is its deadline's doing.</summary>
    NothingByItself,

    /// <summary>10: an approved payment is its order's or is given back, once.</summary>
    PaymentEndsOnce,

    /// <summary>11: events of a reservation are numbered without gaps, and are stored once.</summary>
    Gapless,

    /// <summary>12: after quiet, both stores say the same.</summary>
    StoresAgree,

    /// <summary>13: nobody has more than one customer may have.</summary>
    WithinLimits,

    /// <summary>14: who is refused for a hold of their own is told which.</summary>
    OwnHoldIsNamed,

    /// <summary>15: what was acknowledged has happened, and stays.</summary>
    Kept,

    /// <summary>16: what was answered was true at some moment of the call.</summary>
    Truthful,

    /// <summary>17: an outage is answered by a clear 502, 503 or 504, and nothing by a 500.</summary>
    ClearAnswers,
}

/// <summary>A law that does not hold.</summary>
/// <param name="Law">Which.</param>
/// <param name="What">What was seen instead.</param>
/// <param name="Reservation">The reservation, where it is about one.</param>
/// <param name="Sku">The SKU, where it is about one.</param>
public sealed record Violation(Law Law, string What, Guid? Reservation = null, string? Sku = null)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"law {(int)Law}, {Law}: {(Reservation is { } id ? $"reservation {id}" : Sku)}: {What}";
}
