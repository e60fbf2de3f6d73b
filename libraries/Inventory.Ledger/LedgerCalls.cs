using Inventory.Storage;

namespace Inventory.Ledger;

/// <summary>The boundary to Entity Framework. Its exceptions wrap those of Npgsql.</summary>
public static class LedgerCalls
{
    /// <summary>Uses a context of the ledger; a failure of PostgreSQL becomes a <see cref="StoreException"/>.</summary>
    /// <param name="act">Uses the context, and nothing else that can fail.</param>
    public static async Task<T> RunAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (Exception e) when (Sql.Translate(e) is { } translated)
        {
            throw translated;
        }
    }
}
