using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Recognizes a script's error about a corrupt SKU or hold: a key of another type, or a field that is no number. The
/// script has then changed nothing, or only completed whole steps. The same call fails until the data is repaired.
/// </summary>
public static class Unreadable
{
    private const string Mark = "UNREADABLE ";
    private const string WrongType = "WRONGTYPE ";

    // Redis appends the position in the script, which is left out here.
    private const string Place = " script: ";

    /// <summary>Describes what can't be read; null when <paramref name="failure"/> is another failure.</summary>
    /// <returns>The SKU, or - if it is unknown, and what is wrong with it.</returns>
    public static string? Explain(Exception failure)
    {
        if (failure is not RedisServerException { Message: var message }) return null;
        var end = message.IndexOf(Place, StringComparison.Ordinal);
        var said = end < 0 ? message : message[..end];
        if (said.StartsWith(Mark, StringComparison.Ordinal)) return said[Mark.Length..];
        return said.StartsWith(WrongType, StringComparison.Ordinal) ? "- " + said : null;
    }
}
