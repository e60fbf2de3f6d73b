using System.Security.Claims;
using Inventory.Contracts;
using Inventory.Identity;
using Inventory.ReservationApi.Queue;
using Inventory.Stock;

namespace Inventory.ReservationApi.Access;

/// <summary>
/// The caller of a request: a backend or operator by key, a shopper by session, or a process on a developer's machine.
/// </summary>
/// <remarks>
/// A shopper's holds belong to the shopper, whatever customer the request names: <see cref="Customer"/> and
/// <see cref="Cart"/> are the only way from a request to a holder. A backend names its customers itself, and may change
/// the holds of any of them.
/// </remarks>
internal sealed class Caller : ClaimsPrincipal
{
    private const string LocalName = "local";

    private Caller(string name, Scopes scopes, string? shopper) : base(new ClaimsIdentity(AccessFeature.Scheme))
    {
        (Name, Scopes) = (name, scopes);
        if (shopper is not null) Shopper = Holder.Customer(shopper);
    }

    /// <summary>
    /// Identifies the caller. Idempotency keys belong to it, so it must stay the same for one caller. It begins with
    /// the kind of caller, so that no shopper has the name of a key.
    /// </summary>
    internal string Name { get; }

    /// <summary>What the caller may do beside what every shopper may.</summary>
    internal Scopes Scopes { get; }

    /// <summary>The shopper as a customer; null for any other caller.</summary>
    internal Holder? Shopper { get; }

    /// <summary>Whether the caller is known only by its address.</summary>
    internal bool IsLocal => Name == LocalName;

    internal static Caller WithKey(ApiKey key) => new("key:" + key.Name, key.Scopes, null);

    internal static Caller WithSession(string subject) => new("shopper:" + subject, Scopes.None, subject);

    internal static Caller AtThisMachine() => new(LocalName, Scopes.Reserve | Scopes.Confirm, null);

    /// <summary>The caller of a request to a restricted endpoint.</summary>
    internal static Caller Of(HttpContext http) => (Caller)http.User;

    /// <summary>The customer who holds what this caller reserves.</summary>
    /// <param name="id">The customer that the request names; checked, unless a shopper sent it.</param>
    internal Holder Customer(string? id) => Shopper ?? Holder.Customer(id!);

    /// <summary>A cart of this caller.</summary>
    /// <param name="id">As the request names it, and checked.</param>
    internal Holder Cart(string id) => Shopper is { } shopper ? Holder.ShopperCart(shopper.Id, id) : Holder.Cart(id);

    /// <summary>Whether the caller may see what this holder has.</summary>
    internal bool MaySee(Holder holder) => Shopper is null || Shopper == holder.Owner;

    /// <summary>
    /// The id under which to look for a reservation. For another shopper's reservation it is the empty id, which never
    /// exists, so that every step and every byte of the answer is that of an unknown id.
    /// </summary>
    /// <remarks>Checking first and acting later is safe: a reservation never changes its holder.</remarks>
    internal async ValueTask<Guid> VisibleIdAsync(Guid id, HoldStore holds, StockCircuit circuit)
    {
        if (Shopper is null) return id;
        var found = await circuit.CallAsync(() => holds.FindAsync(id));
        return found.Reservation is not { } reservation || MaySee(reservation.Holder) ? id : Guid.Empty;
    }
}
