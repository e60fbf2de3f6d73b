namespace Inventory.Load.Http;

/// <summary>Bodies of POST /api/reservations.</summary>
internal static class ReserveBody
{
    /// <summary>One unit for an hour, under an id of the caller's own, for a customer of the same name.</summary>
    public static string Of(string sku, string id) => $$"""
        {"productId":"{{sku}}","userId":"{{id}}","quantity":1,"ttlSeconds":3600,"reservationId":"{{id}}"}
        """;
}
