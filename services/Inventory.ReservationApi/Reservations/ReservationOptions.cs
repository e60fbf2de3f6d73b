using System.ComponentModel.DataAnnotations;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>What clients may ask of this API. Section <c>Reservations</c>.</summary>
public sealed class ReservationOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "Reservations";

    /// <summary>
    /// How long a hold lasts when the client doesn't say. Ten minutes are enough to pay, and short enough that
    /// abandoned units are soon available again.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DefaultHold { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Longest hold, and longest extension, that a client may ask for. Keeps one request from locking stock for days.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LongestHold { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Most lines of one reservation. Bounds how long its script keeps Redis from serving others.</summary>
    [Range(1, 1_000)] public int MaxLines { get; init; } = 100;

    /// <summary>Most reservations of one batch. Bounds what one request keeps in flight.</summary>
    [Range(1, 1_000)] public int MaxBatch { get; init; } = 100;

    /// <summary>Whether a customer may have several active reservations of one SKU.</summary>
    public ActiveReservationRule ActivePerCustomerAndSku { get; init; } = ActiveReservationRule.UnlessLimited;

    /// <summary>
    /// What happens with a customer's other reservations of a SKU, unless the request asks for a replacement.
    /// </summary>
    internal OnExisting OnExisting => ActivePerCustomerAndSku switch
    {
        ActiveReservationRule.Always => OnExisting.Refuse,
        ActiveReservationRule.UnlessLimited => OnExisting.RefuseUnlessLimited,
        ActiveReservationRule.Never => OnExisting.Allow,
        _ => throw new ArgumentOutOfRangeException(nameof(ActivePerCustomerAndSku), ActivePerCustomerAndSku, null),
    };
}

/// <summary>Where the rule of one active reservation per customer and SKU holds.</summary>
public enum ActiveReservationRule
{
    /// <summary>For every SKU.</summary>
    Always,

    /// <summary>For SKUs without a limit per customer; where there is one, that limit decides.</summary>
    UnlessLimited,

    /// <summary>For no SKU.</summary>
    Never,
}
