using Npgsql;

namespace Inventory.History;

/// <summary>Tells failures that lie in what is written from those that lie in where it is written to.</summary>
public static class Poison
{
    /// <summary>
    /// Whether writing the same again can't succeed. By classes of SQLSTATE: a value that doesn't fit its type (22), a
    /// violated constraint (23), a view's check (44), an exception of a trigger (P0), a limit of the program (54).
    /// </summary>
    /// <remarks>
    /// Absent on purpose: a table or column that isn't there (42). Each event would fail, and all would be put aside
    /// because a migration is late.
    /// </remarks>
    public static bool IsIn(PostgresException failure) =>
        failure.SqlState[..2] is "22" or "23" or "44" or "54" or "P0";

    /// <summary>The failure in one line, with the constraint that it is about.</summary>
    public static string Describe(PostgresException failure) => failure.ConstraintName is { Length: > 0 } constraint
        ? $"{failure.SqlState} {failure.MessageText} ({constraint})"
        : $"{failure.SqlState} {failure.MessageText}";
}
