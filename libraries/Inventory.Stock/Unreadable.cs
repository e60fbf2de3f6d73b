using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// What a script answers about a SKU or hold that isn't stored as the laws say: a key of another type, a field that is
/// no number. It has changed nothing then, or whole steps only, and the same call fails until the store is mended.
/// </summary>
public static class Unreadable
{
    private const string Mark = "UNREADABLE ";
    private const string WrongType = "WRONGTYPE ";

    // Redis adds where in the script it was, which is the same for all of them.
    private const string Place = " script: ";

    /// <summary>What can't be read; null when <paramref name="failure"/> is another one.</summary>
    /// <returns>The SKU, or - where nobody can tell, and what is wrong with it.</returns>
    public static string? Explain(Exception failure)
    {
        if (failure is not RedisServerException { Message: var message }) return null;
        var end = message.IndexOf(Place, StringComparison.Ordinal);
        var said = end < 0 ? message : message[..end];
        if (said.StartsWith(Mark, StringComparison.Ordinal)) return said[Mark.Length..];
        return said.StartsWith(WrongType, StringComparison.Ordinal) ? "- " + said : null;
    }
}
