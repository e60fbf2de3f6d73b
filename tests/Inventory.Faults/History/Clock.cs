using System.Globalization;

namespace Inventory.Faults.History;

/// <summary>
/// The clock of the whole run. Clients, Redis and PostgreSQL are on one machine, so their times can be compared.
/// </summary>
public static class Clock
{
    /// <summary>Milliseconds since 1970, now.</summary>
    public static long NowMs => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>A time in the format of the reports.</summary>
    public static string Show(long ms) => ms is < 0 or > 253_402_300_799_999
        ? "?"
        : DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
}
