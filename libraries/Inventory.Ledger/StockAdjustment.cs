using Inventory.Storage;
using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>The outcome of a <see cref="StockAdjustment"/>.</summary>
public enum AdjustmentOutcome
{
    /// <summary>The total is changed.</summary>
    Adjusted,

    /// <summary>It was already changed by an earlier request with the same key. Nothing was done.</summary>
    Repeated,

    /// <summary>The key was used for another request. Nothing was done.</summary>
    KeyReused,

    /// <summary>There is no such product.</summary>
    UnknownSku,

    /// <summary>The total would fall below 0 or overflow. Nothing was done.</summary>
    OutOfRange,
}

/// <summary>The result of an adjustment.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Movement">The movement, for <c>Adjusted</c> and <c>Repeated</c>.</param>
/// <param name="Total">For <c>OutOfRange</c>: the current total.</param>
public sealed record AdjustmentAnswer(AdjustmentOutcome Outcome, InventoryMovement? Movement = null, int Total = 0);

/// <summary>A change of a total that is not an order.</summary>
/// <remarks>
/// Invariants: total, movement and key are written in one transaction. It locks the SKU's row first and writes the key
/// last, so adjustments and confirms lock in one order, and a repetition that runs concurrently with the first request
/// finds its key.
/// </remarks>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units to add, or to remove when below 0; not 0.</param>
/// <param name="Reason">1 to <see cref="InventoryMovement.MaxReasonLength"/> characters.</param>
/// <param name="Reference">1 to <see cref="InventoryMovement.MaxReferenceLength"/> characters.</param>
public sealed record StockAdjustment(string Sku, int Quantity, string Reason, string Reference)
{
    /// <summary>
    /// A digest of the caller's idempotency key. Without one (null), a repeated request adjusts again.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>A digest of the request, needed with <see cref="Key"/>.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Applies the adjustment, once for each key.</summary>
    /// <param name="context">A context without unsaved changes and without a transaction.</param>
    /// <param name="cancellation">Stops waiting; the total may or may not be changed.</param>
    /// <exception cref="StoreException">
    /// PostgreSQL is unavailable; the total may or may not be changed. The exception may be wrapped in another one.
    /// </exception>
    public Task<AdjustmentAnswer> ApplyAsync(LedgerContext context, CancellationToken cancellation) =>
        LedgerCalls.RunAsync(() => AdjustAsync(context, cancellation));

    private async Task<AdjustmentAnswer> AdjustAsync(LedgerContext context, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfZero(Quantity);
        if (Key is not null) ArgumentException.ThrowIfNullOrEmpty(Fingerprint);

        await using var transaction = await context.Database.BeginTransactionAsync(cancellation);
        if (await LockAsync(context, cancellation) is not { } row)
        {
            return new(AdjustmentOutcome.UnknownSku);
        }

        if (Key is not null && await FindKeyAsync(context, cancellation) is { } earlier)
        {
            return earlier;
        }

        if ((long)row.Total + Quantity is < 0 or > int.MaxValue)
        {
            return new(AdjustmentOutcome.OutOfRange, Total: row.Total);
        }

        row.Total += Quantity;
        var movement = new InventoryMovement
        {
            SkuId = Sku,
            Quantity = Quantity,
            Reason = Reason,
            Reference = Reference,
            TotalAfter = row.Total,
            VersionAfter = row.Version + 1,
        };
        context.Movements.Add(movement);
        await context.SaveChangesAsync(cancellation);

        // Equal requests wait for each other at the row's lock. So if the key exists by now, a request about another
        // SKU has written it.
        if (Key is not null && !await WriteKeyAsync(context, movement.Id, cancellation))
        {
            return new(AdjustmentOutcome.KeyReused);
        }

        await transaction.CommitAsync(cancellation);
        return new(AdjustmentOutcome.Adjusted, movement);
    }

    /// <summary>Locks the row as an update would; null without the product.</summary>
    private async Task<InventoryRow?> LockAsync(LedgerContext context, CancellationToken cancellation)
    {
        await ProductState.EnsureRowAsync(context, Sku, cancellation);
        // Reads a list, because EF Core must not compose SQL around the lock.
        var rows = await context.Inventory
            .FromSql($"SELECT * FROM inventory WHERE sku_id = {Sku} FOR NO KEY UPDATE")
            .ToListAsync(cancellation);
        return rows.SingleOrDefault();
    }

    private async Task<AdjustmentAnswer?> FindKeyAsync(LedgerContext context, CancellationToken cancellation)
    {
        var known = await context.AdjustmentKeys.AsNoTracking()
            .SingleOrDefaultAsync(known => known.Key == Key, cancellation);
        if (known is null) return null;
        if (known.Fingerprint != Fingerprint) return new(AdjustmentOutcome.KeyReused);
        var movement = await context.Movements.AsNoTracking()
            .SingleAsync(movement => movement.Id == known.MovementId, cancellation);
        return new(AdjustmentOutcome.Repeated, movement);
    }

    private async Task<bool> WriteKeyAsync(LedgerContext context, long movementId, CancellationToken cancellation) =>
        await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO adjustment_keys (key, fingerprint, movement_id) VALUES ({Key}, {Fingerprint}, {movementId})
            ON CONFLICT DO NOTHING
            """,
            cancellation) == 1;
}
