namespace Inventory.Storage;

/// <summary>The stores that calls can fail in.</summary>
public enum Store
{
    /// <summary>Redis.</summary>
    Redis,

    /// <summary>PostgreSQL.</summary>
    PostgreSql,
}

/// <summary>
/// A call to a store failed. The only exceptions of the stores' clients that leave the places where the clients are
/// called (ADR 0022). Any other exception is a bug.
/// </summary>
/// <param name="store">Which store.</param>
/// <param name="message">What happened, in one sentence.</param>
/// <param name="cause">The client's exception.</param>
public abstract class StoreException(Store store, string message, Exception? cause) : Exception(message, cause)
{
    /// <summary>Which store.</summary>
    public Store Store => store;

    /// <summary>Whether waiting can fix it: the store can't act at the moment.</summary>
    public virtual bool IsOutage => true;

    /// <summary>
    /// The failure of a store among the causes of an exception, or null. Entity Framework and data protection wrap what
    /// is thrown in them.
    /// </summary>
    public static StoreException? In(Exception? failure)
    {
        while (failure is not null and not StoreException) failure = failure.InnerException;
        return (StoreException?)failure;
    }
}

/// <summary>The store has not executed the call: there is no connection to it.</summary>
/// <param name="store">Which store.</param>
/// <param name="message">What happened, in one sentence.</param>
/// <param name="cause">The client's exception.</param>
public class StoreUnavailableException(Store store, string message, Exception? cause = null)
    : StoreException(store, message, cause);

/// <summary>The call was sent and has no answer, so the store may have executed it or may do so later.</summary>
/// <param name="store">Which store.</param>
/// <param name="message">What happened, in one sentence.</param>
/// <param name="cause">The client's exception.</param>
public sealed class StoreUnansweredException(Store store, string message, Exception? cause = null)
    : StoreException(store, message, cause)
{
    /// <summary>Whether the connection broke. Otherwise no answer came in time.</summary>
    public bool IsDisconnected { get; init; }
}

/// <summary>The store has refused the call.</summary>
/// <param name="store">Which store.</param>
/// <param name="code">The store's own code: the first word of an error of Redis, or an SQLSTATE.</param>
/// <param name="isOutage">Whether waiting can fix it.</param>
/// <param name="message">What the store says.</param>
/// <param name="cause">The client's exception.</param>
public sealed class StoreRejectedException(
    Store store, string code, bool isOutage, string message, Exception? cause = null)
    : StoreException(store, message, cause)
{
    /// <summary>The store's own code: the first word of an error of Redis, or an SQLSTATE.</summary>
    public string Code => code;

    /// <inheritdoc/>
    public override bool IsOutage => isOutage;
}

/// <summary>
/// Data in Redis is corrupt: a key of another type, or a field of a SKU or hold that is no number; or the SKU is closed
/// for its repair. The call has changed nothing, or only completed whole steps. It fails again until the data is
/// repaired.
/// </summary>
/// <param name="sku">The SKU, or - if it is unknown.</param>
/// <param name="what">What can't be read.</param>
/// <param name="cause">The client's exception.</param>
public sealed class CorruptDataException(string sku, string what, Exception? cause = null)
    : StoreException(Store.Redis, $"{sku} {what}", cause)
{
    /// <summary>The SKU, or - if it is unknown.</summary>
    public string Sku => sku;

    /// <summary>What can't be read.</summary>
    public string What => what;

    /// <summary>
    /// Whether the repair has begun or begins within seconds; it usually takes a fraction of a second.
    /// </summary>
    public bool IsBeingRepaired { get; init; }

    /// <inheritdoc/>
    public override bool IsOutage => false;
}
