using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>
/// The holder of stock: a customer, a cart, or a cart of a shopper's session. Each kind has its own name space, so a
/// cart called <c>user-1</c> neither sees nor blocks the customer <c>user-1</c>, and a shopper can't reach another
/// shopper's cart.
/// </summary>
public readonly record struct Holder
{
    private const char CustomerMark = 'u', CartMark = 'c', ShopperMark = 's';

    // The divider ends a shopper's subject, which therefore can't contain it.
    private const char Divider = '|';

    private Holder(char mark, string id)
    {
        if (!Names.IsHolderId(id)) throw new ArgumentException(Names.HolderIdRule, nameof(id));
        Text = $"{mark}:{id}";
    }

    private Holder(string text) => Text = text;

    /// <summary>The text that the scripts store and compare.</summary>
    public string Text { get; }

    /// <summary>The id as the caller gave it.</summary>
    public string Id => Text[(Text[0] == ShopperMark ? Text.IndexOf(Divider, StringComparison.Ordinal) + 1 : 2)..];

    /// <summary>Whether this is a cart of the cart interface.</summary>
    public bool IsCart => Text[0] is CartMark or ShopperMark;

    /// <summary>
    /// The owner may change the hold, and the owner's limits count. For each cart of a shopper the owner is the
    /// shopper, as a customer; otherwise it is the holder itself. <c>owner_of</c> in lua/shared/units.lua must agree.
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

    /// <summary>A cart of a shopper's session. Carts of other sessions differ even if they have the same id.</summary>
    /// <param name="subject">The shopper, as in <see cref="Names.IsHolderId"/> but without |.</param>
    /// <param name="id">See <see cref="Names.IsHolderId"/>.</param>
    /// <exception cref="ArgumentException">The subject or the id is malformed.</exception>
    public static Holder ShopperCart(string subject, string id)
    {
        if (!Names.IsHolderId(subject) || subject.Contains(Divider) || !Names.IsHolderId(id))
        {
            throw new ArgumentException(Names.HolderIdRule, nameof(id));
        }

        return new($"{ShopperMark}:{subject}{Divider}{id}");
    }

    /// <summary>Reads a holder as the scripts and the ledger store it.</summary>
    public static Holder Parse(string text) => new(text);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
