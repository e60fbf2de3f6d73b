using System.Security.Claims;
using Inventory.Identity;
using Inventory.ReservationApi.Queueing;
using Inventory.Stock;

namespace Inventory.ReservationApi.Access;

/// <summary>
/// Who makes a request: a backend or operator by key, a shopper by session, or whoever sits at a developer's machine.
/// </summary>
/// <remarks>
/// What a shopper holds is theirs, whatever name they send: <see cref="Customer"/> and <see cref="Cart"/> are the only
/// way from a request to a holder. A backend names its customers itself, and may touch what any of them holds.
/// </remarks>
internal sealed class Caller : ClaimsPrincipal
{
    private const string LocalName = "local";

    private Caller(string name, Scopes scopes, string? shopper) : base(new ClaimsIdentity(AccessServices.Scheme))
    {
        (Name, Scopes) = (name, scopes);
        if (shopper is not null) Shopper = Holder.Customer(shopper);
    }

    /// <summary>
    /// Tells callers apart. Idempotency keys belong to it, so it must stay the same for one caller. The kind stands in
    /// front, so that no shopper has the name of a key.
    /// </summary>
    internal string Name { get; }

    /// <summary>What the caller may do beside what every shopper may.</summary>
    internal Scopes Scopes { get; }

    /// <summary>The shopper as a customer; null for any other caller.</summary>
    internal Holder? Shopper { get; }

    /// <summary>Whether nothing but their address speaks for them.</summary>
    internal bool IsLocal => Name == LocalName;

    internal static Caller WithKey(ApiKey key) => new("key:" + key.Name, key.Scopes, null);

    internal static Caller WithSession(string subject) => new("shopper:" + subject, Scopes.None, subject);

    internal static Caller AtThisMachine() => new(LocalName, Scopes.Reserve | Scopes.Confirm, null);

    /// <summary>The caller of this request, which is not of a kind that everyone may make.</summary>
    internal static Caller Of(HttpContext http) => (Caller)http.User;

    /// <summary>Who holds what this caller reserves.</summary>
    /// <param name="id">The customer that the request names; checked, unless a shopper sent it.</param>
    internal Holder Customer(string? id) => Shopper ?? Holder.Customer(id!);

    /// <summary>A cart of this caller's.</summary>
    /// <param name="id">As the request names it, and checked.</param>
    internal Holder Cart(string id) => Shopper is { } shopper ? Holder.ShopperCart(shopper.Id, id) : Holder.Cart(id);

    /// <summary>Whether the caller may know of what this holder has.</summary>
    internal bool MaySee(Holder holder) => Shopper is null || Shopper == holder.Owner;

    /// <summary>
    /// Under which id to look for a reservation. Another's is looked for where none can be, so that every step and
    /// every byte of the answer is that of an id which nobody has.
    /// </summary>
    /// <remarks>Asking first and acting then is safe: a reservation never changes its holder.</remarks>
    internal async ValueTask<Guid> SightOfAsync(Guid id, StockEngine engine, StockCircuit circuit)
    {
        if (Shopper is null) return id;
        var found = await circuit.CallAsync(() => engine.FindAsync(id));
        return found.Reservation is not { } reservation || MaySee(reservation.Holder) ? id : Guid.Empty;
    }
}
