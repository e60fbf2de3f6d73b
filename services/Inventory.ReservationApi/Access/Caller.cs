namespace Inventory.ReservationApi.Requests;

/// <summary>
/// Who makes a request. Idempotency keys belong to their caller. Everyone is the same local caller here; a service that
/// knows its callers by key or session returns them from <see cref="Of"/>, and nothing else changes.
/// </summary>
/// <param name="Name">Tells callers apart. Part of the stored keys, so it must stay the same for one caller.</param>
internal sealed record Caller(string Name)
{
    private static readonly Caller Local = new("local");

    /// <summary>The caller of this request.</summary>
    internal static Caller Of(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return Local;
    }
}
