namespace Inventory.Stock;

/// <summary>
/// Who holds stock: a customer, a cart, or a cart of a shopper's session. They never meet in one name space, so a cart
/// called <c>user-1</c> neither sees nor blocks the customer <c>user-1</c>, nor does a shopper another's cart.
/// </summary>
public readonly record struct Holder
{
    private const char CustomerMark = 'u', CartMark = 'c', ShopperMark = 's';

    // Ends a shopper's subject, which therefore can't contain it.
    private const char Divider = '|';

    private Holder(char mark, string id)
    {
        if (!Names.IsHolderId(id)) throw new ArgumentException(Names.HolderIdRule, nameof(id));
        Text = $"{mark}:{id}";
    }

    private Holder(string text) => Text = text;

    /// <summary>What the scripts store and compare.</summary>
    public string Text { get; }

    /// <summary>The id as the caller gave it.</summary>
    public string Id => Text[(Text[0] == ShopperMark ? Text.IndexOf(Divider, StringComparison.Ordinal) + 1 : 2)..];

    /// <summary>Whether this is a cart of the cart interface.</summary>
    public bool IsCart => Text[0] is CartMark or ShopperMark;

    /// <summary>
    /// Whose limits count and who may touch the hold: the shopper, as a customer, for each of their carts; otherwise
    /// the holder itself. <c>owner_of</c> in lua/shared/holds.lua says the same.
    /// </summary>
    public Holder Owner => Text[0] == ShopperMark
        ? new(CustomerMark, Text[2..Text.IndexOf(Divider, StringComparison.Ordinal)])
        : this;

    /// <param name="id">
    /// See <see cref="Names.IsHolderId"/>; anything else is an <see cref="ArgumentException"/>.
    /// </param>
    public static Holder Customer(string id) => new(CustomerMark, id);

    /// <param name="id">
    /// See <see cref="Names.IsHolderId"/>; anything else is an <see cref="ArgumentException"/>.
    /// </param>
    public static Holder Cart(string id) => new(CartMark, id);

    /// <summary>A cart of a shopper's session: no other session's, whatever it is called.</summary>
    /// <param name="subject">The shopper; as <see cref="Names.IsHolderId"/>, and without |.</param>
    /// <param name="id">See <see cref="Names.IsHolderId"/>.</param>
    /// <exception cref="ArgumentException">One of them isn't of its form.</exception>
    public static Holder ShopperCart(string subject, string id)
    {
        if (!Names.IsHolderId(subject) || subject.Contains(Divider) || !Names.IsHolderId(id))
        {
            throw new ArgumentException(Names.HolderIdRule, nameof(id));
        }

        return new($"{ShopperMark}:{subject}{Divider}{id}");
    }

    /// <summary>A holder as the scripts store it, or the ledger.</summary>
    public static Holder Parse(string text) => new(text);

    /// <summary>Whether a script of ours could have written this.</summary>
    public static bool IsText(string text) => text switch
    {
        [CustomerMark or CartMark, ':', .. var id] => Names.IsHolderId(id),
        [ShopperMark, ':', .. var both] => both.IndexOf(Divider, StringComparison.Ordinal) is > 0 and var end
            && Names.IsHolderId(both[..end]) && Names.IsHolderId(both[(end + 1)..]),
        _ => false,
    };

    /// <inheritdoc/>
    public override string ToString() => Text;
}
