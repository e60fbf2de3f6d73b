namespace Inventory.Identity;

/// <summary>What a caller may do. None includes another: a key lists all it may.</summary>
[Flags]
public enum Scopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Hold stock for any customer, and read, extend and release what is held.</summary>
    Reserve = 1,

    /// <summary>Make holds orders.</summary>
    Confirm = 2,

    /// <summary>Administer products, totals, orders and the system itself.</summary>
    Admin = 4,
}

/// <summary>The scopes' names, as they stand in settings and answers.</summary>
public static class ScopeNames
{
    private static readonly (string Name, Scopes Scope)[] All =
        [("reserve", Scopes.Reserve), ("confirm", Scopes.Confirm), ("admin", Scopes.Admin)];

    /// <summary>All of them, for people.</summary>
    public static string Known { get; } = string.Join(", ", All.Select(one => one.Name));

    /// <summary>The scope of this name; none when there is none.</summary>
    public static Scopes Parse(string? name) => Array.Find(All, one => one.Name == name).Scope;

    /// <summary>The name of one scope.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none, or several.</exception>
    public static string Name(this Scopes scope) => Array.Find(All, one => one.Scope == scope).Name
        ?? throw new ArgumentOutOfRangeException(nameof(scope), scope, "Not one scope.");
}
