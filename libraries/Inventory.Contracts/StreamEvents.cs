namespace Inventory.Contracts;

/// <summary>The types of the events in a partition's stream, as the scripts in <c>lua/</c> write them.</summary>
public static class EventTypes
{
    /// <summary>A hold was made.</summary>
    public const string Reserved = "reserved";

    /// <summary>A cart's hold got another quantity.</summary>
    public const string Adjusted = "adjusted";

    /// <summary>A hold got a later deadline.</summary>
    public const string Extended = "extended";

    /// <summary>A hold ended: its holder released it.</summary>
    public const string Released = "released";

    /// <summary>A hold ended: its deadline passed.</summary>
    public const string Expired = "expired";

    /// <summary>A confirm was given up, and its hold is pending again.</summary>
    public const string Unpinned = "unpinned";

    /// <summary>A hold ended: it became an order.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>A hold that had expired was restored for a late payment.</summary>
    public const string Revived = "revived";

    /// <summary>The total, limit or pause of a SKU has changed.</summary>
    public const string StockSet = "stock-set";

    /// <summary>The types of a reservation's events; all others are about stock.</summary>
    public static IReadOnlySet<string> OfReservations { get; } = new HashSet<string>
    {
        Reserved, Adjusted, Extended, Released, Expired, Unpinned, Confirmed, Revived,
    };
}

/// <summary>The fields of an event. Every event has all of them, in this order.</summary>
public static class EventFields
{
    /// <summary>One of <see cref="EventTypes"/>.</summary>
    public const string Type = "type";

    /// <summary>The reservation; empty for events about stock.</summary>
    public const string Reservation = "reservation";

    /// <summary>1, 2, 3 … within a reservation; 0 for events about stock.</summary>
    public const string Sequence = "sequence";

    /// <summary>The holder; empty for events about stock.</summary>
    public const string Holder = "holder";

    /// <summary>The deadline after the event, in ms; 0 for events about stock.</summary>
    public const string DeadlineMs = "deadline_ms";

    /// <summary>The lines after the event, or the SKU with its total.</summary>
    public const string Lines = "lines";

    /// <summary>The W3C trace context of the request; empty without one.</summary>
    public const string Trace = "trace";
}
