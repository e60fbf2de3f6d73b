using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>What became of a <see cref="StockAdjustment"/>.</summary>
public enum AdjustmentOutcome
{
    /// <summary>The total is changed.</summary>
    Adjusted,

    /// <summary>It had been changed before, for the same key and request. Nothing was done.</summary>
    Repeated,

    /// <summary>The key stands for another request. Nothing was done.</summary>
    KeyReused,

    /// <summary>There is no such product.</summary>
    UnknownSku,

    /// <summary>The total would fall below 0 or no longer fit a number. Nothing was done.</summary>
    OutOfRange,
}

/// <summary>What became of an adjustment.</summary>
/// <param name="Outcome">What was decided.</param>
/// <param name="Movement">The movement, for <c>Adjusted</c> and <c>Repeated</c>.</param>
/// <param name="Total">For <c>OutOfRange</c>: the total as it is.</param>
public sealed record AdjustmentAnswer(AdjustmentOutcome Outcome, InventoryMovement? Movement = null, int Total = 0);

/// <summary>Units that came or went by other ways than an order.</summary>
/// <remarks>
/// What is always true: total, movement and key are one transaction. The row of the SKU is locked first and the key is
/// written last, so adjustments and confirms wait for each other in one order, and a repetition that comes while the
/// first one is under way finds its key.
/// </remarks>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units to add, or to take when below 0; not 0.</param>
/// <param name="Reason">1 to <see cref="InventoryMovement.MaxReasonLength"/> characters.</param>
/// <param name="Reference">1 to <see cref="InventoryMovement.MaxReferenceLength"/> characters.</param>
public sealed record StockAdjustment(string Sku, int Quantity, string Reason, string Reference)
{
    /// <summary>The caller's idempotency key as a digest; null without one: then a repetition adjusts again.</summary>
    public string? Key { get; init; }

    /// <summary>A digest of the request, needed with <see cref="Key"/>.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Makes it so, once per key.</summary>
    /// <param name="context">A context without unsaved changes and without a transaction.</param>
    /// <param name="cancellation">Ends the waiting: the total may be changed or not then.</param>
    /// <exception cref="Npgsql.NpgsqlException">
    /// PostgreSQL is away, perhaps inside another exception: the total may be changed or not.
    /// </exception>
    public async Task<AdjustmentAnswer> ApplyAsync(LedgerContext context, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfZero(Quantity);
        if (Key is not null) ArgumentException.ThrowIfNullOrEmpty(Fingerprint);

        await using var transaction = await context.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        if (await LockAsync(context, cancellation).ConfigureAwait(false) is not { } row)
        {
            return new(AdjustmentOutcome.UnknownSku);
        }

        if (Key is not null && await FindKeyAsync(context, cancellation).ConfigureAwait(false) is { } earlier)
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
        await context.SaveChangesAsync(cancellation).ConfigureAwait(false);

        // Equal requests queue at the row's lock. Who holds the key by now is a request about another SKU.
        if (Key is not null && !await WriteKeyAsync(context, movement.Id, cancellation).ConfigureAwait(false))
        {
            return new(AdjustmentOutcome.KeyReused);
        }

        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        return new(AdjustmentOutcome.Adjusted, movement);
    }

    /// <summary>The row, locked as an update would; null without the product.</summary>
    private async Task<InventoryRow?> LockAsync(LedgerContext context, CancellationToken cancellation)
    {
        await ProductState.EnsureRowAsync(context, Sku, cancellation).ConfigureAwait(false);
        // A list, because nothing may be composed around the locking.
        var rows = await context.Inventory
            .FromSql($"SELECT * FROM inventory WHERE sku_id = {Sku} FOR NO KEY UPDATE")
            .ToListAsync(cancellation).ConfigureAwait(false);
        return rows.SingleOrDefault();
    }

    private async Task<AdjustmentAnswer?> FindKeyAsync(LedgerContext context, CancellationToken cancellation)
    {
        var known = await context.AdjustmentKeys.AsNoTracking()
            .SingleOrDefaultAsync(known => known.Key == Key, cancellation).ConfigureAwait(false);
        if (known is null) return null;
        if (known.Fingerprint != Fingerprint) return new(AdjustmentOutcome.KeyReused);
        var movement = await context.Movements.AsNoTracking()
            .SingleAsync(movement => movement.Id == known.MovementId, cancellation).ConfigureAwait(false);
        return new(AdjustmentOutcome.Repeated, movement);
    }

    private async Task<bool> WriteKeyAsync(LedgerContext context, long movementId, CancellationToken cancellation) =>
        await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO adjustment_keys (key, fingerprint, movement_id) VALUES ({Key}, {Fingerprint}, {movementId})
            ON CONFLICT DO NOTHING
            """,
            cancellation).ConfigureAwait(false) == 1;
}
