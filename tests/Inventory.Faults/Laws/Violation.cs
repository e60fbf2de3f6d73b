namespace Inventory.Faults.Laws;

/// <summary>The invariants that must hold during and after faults, numbered as in docs/faults.md.</summary>
public enum Law
{
    /// <summary>1: available and reserved never fall below 0.</summary>
    NeverNegative = 1,

    /// <summary>2: reserved is the sum of active holds.</summary>
    ReservedIsTheSumOfHolds,

    /// <summary>3: a reservation is held with all its lines or not at all, and sold with the same lines.</summary>
    Whole,

    /// <summary>4: a reservation ends once.</summary>
    EndsOnce,

    /// <summary>5: units sold never exceed units received, and the total is the difference.</summary>
    NeverOversold,

    /// <summary>6: no hold ends before its deadline, unless its holder or an order ends it.</summary>
    NeverEarly,

    /// <summary>7: extending never revives a reservation that has ended.</summary>
    NeverResurrected,

    /// <summary>8: one key has one effect and one answer.</summary>
    OneKeyOneEffect,

    /// <summary>9: every change of a reservation was requested, or is its expiry.</summary>
    NothingByItself,

    /// <summary>10: an approved payment has exactly one order or one refund.</summary>
    PaymentEndsOnce,

    /// <summary>11: events of a reservation are numbered without gaps, and are stored once.</summary>
    Gapless,

    /// <summary>12: after the quiet phase both stores agree.</summary>
    StoresAgree,

    /// <summary>13: no customer has more units than the limit.</summary>
    WithinLimits,

    /// <summary>14: a refusal because of the customer's own hold names that hold.</summary>
    OwnHoldIsNamed,

    /// <summary>15: an acknowledged effect has happened and is kept.</summary>
    Kept,

    /// <summary>16: an answer was true at some moment of its call.</summary>
    Truthful,

    /// <summary>17: during an outage the answer is 502, 503 or 504; no answer is a 500.</summary>
    ClearAnswers,
}

/// <summary>A broken law.</summary>
/// <param name="Law">The law.</param>
/// <param name="What">What was observed.</param>
/// <param name="Reservation">The reservation, if the violation concerns one.</param>
/// <param name="Sku">The SKU, if the violation concerns one.</param>
public sealed record Violation(Law Law, string What, Guid? Reservation = null, string? Sku = null)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"law {(int)Law}, {Law}: {(Reservation is { } id ? $"reservation {id}" : Sku)}: {What}";
}
