namespace Inventory.Stock;

/// <summary>
/// Who holds stock: a customer or a cart. The two never meet in one name space, so a cart called <c>user-1</c>
/// neither sees nor blocks the customer <c>user-1</c>.
/// </summary>
public readonly record struct Holder
{
    private const char CustomerMark = 'u', CartMark = 'c';

    private Holder(char mark, string id)
    {
        if (!Names.IsHolderId(id)) throw new ArgumentException(Names.HolderIdRule, nameof(id));
        Text = $"{mark}:{id}";
    }

    private Holder(string text) => Text = text;

    /// <summary>What the scripts store and compare.</summary>
    public string Text { get; }

    /// <summary>The id as the caller gave it.</summary>
    public string Id => Text[2..];

    /// <summary>Whether this is a cart of the cart interface.</summary>
    public bool IsCart => Text[0] == CartMark;

    /// <param name="id">
    /// See <see cref="Names.IsHolderId"/>; anything else is an <see cref="ArgumentException"/>.
    /// </param>
    public static Holder Customer(string id) => new(CustomerMark, id);

    /// <param name="id">
    /// See <see cref="Names.IsHolderId"/>; anything else is an <see cref="ArgumentException"/>.
    /// </param>
    public static Holder Cart(string id) => new(CartMark, id);

    internal static Holder Parse(string text) => new(text);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
