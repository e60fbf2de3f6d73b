namespace Inventory.Contracts;

/// <summary>What a caller may do. No scope includes another one: a key lists every scope it has.</summary>
[Flags]
public enum Scopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Hold stock for any customer, and read, extend and release what is held.</summary>
    Reserve = 1,

    /// <summary>Confirm holds as orders.</summary>
    Confirm = 2,

    /// <summary>Administer products, totals, orders and the system itself.</summary>
    Admin = 4,
}

/// <summary>The scopes' names in settings and responses.</summary>
public static class ScopeNames
{
    /// <summary>The name of <see cref="Scopes.Reserve"/>.</summary>
    public const string Reserve = "reserve";

    /// <summary>The name of <see cref="Scopes.Confirm"/>.</summary>
    public const string Confirm = "confirm";

    /// <summary>The name of <see cref="Scopes.Admin"/>.</summary>
    public const string Admin = "admin";

    private static readonly (string Name, Scopes Scope)[] All =
        [(Reserve, Scopes.Reserve), (Confirm, Scopes.Confirm), (Admin, Scopes.Admin)];

    /// <summary>All names, as text for messages.</summary>
    public static string Known { get; } = string.Join(", ", All.Select(one => one.Name));

    /// <summary>The scope with this name; <see cref="Scopes.None"/> for an unknown name.</summary>
    public static Scopes Parse(string? name) => Array.Find(All, one => one.Name == name).Scope;

    /// <summary>The name of one scope.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is no scope, or several.</exception>
    public static string Name(this Scopes scope) => Array.Find(All, one => one.Scope == scope).Name
        ?? throw new ArgumentOutOfRangeException(nameof(scope), scope, "Not one scope.");
}
