using Inventory.Storage;

namespace Inventory.History;

/// <summary>Tells failures caused by the data from failures of the database.</summary>
public static class Poison
{
    /// <summary>
    /// Whether writing the same data again can't succeed. Decided by class of SQLSTATE: a value that doesn't fit its
    /// type (22), a violated constraint (23), a view's check (44), an exception of a trigger (P0), a limit of the
    /// program (54).
    /// </summary>
    /// <remarks>
    /// By design: a missing table or column (42) is not included. While a migration is late every event fails with it,
    /// and all of them would become dead letters.
    /// </remarks>
    public static bool IsIn(StoreRejectedException failure) =>
        failure.Store == Store.PostgreSql && failure.Code[..2] is "22" or "23" or "44" or "54" or "P0";
}
