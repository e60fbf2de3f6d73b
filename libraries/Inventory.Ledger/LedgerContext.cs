using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>The system of record: products, their limits, their units, and who has bought them.</summary>
/// <remarks>
/// Invariants that the database itself enforces for every writer:
/// <list type="bullet">
/// <item>a total is never negative;</item>
/// <item>every UPDATE of an <c>inventory</c> row raises its version by one, whatever version the statement sets;</item>
/// <item>a change of a product's limit or pause raises that version too, because both are sent to Redis under
/// it;</item>
/// <item>an <c>inventory</c> row is never removed and never renamed: Redis would ignore the total of a SKU that is
/// inserted again, because its version 1 would be too old.</item>
/// </list>
/// By design: the ledger does not decide holds. Redis decides them; <see cref="Reservations"/> follow.
/// </remarks>
public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    /// <summary>Products and their limits.</summary>
    public DbSet<Product> Products => Set<Product>();

    /// <summary>Units of each SKU.</summary>
    public DbSet<InventoryRow> Inventory => Set<InventoryRow>();

    /// <summary>The changes of totals.</summary>
    public DbSet<InventoryMovement> Movements => Set<InventoryMovement>();

    /// <summary>The adjustments made for idempotency keys.</summary>
    public DbSet<AdjustmentKey> AdjustmentKeys => Set<AdjustmentKey>();

    /// <summary>The orders.</summary>
    public DbSet<Order> Orders => Set<Order>();

    /// <summary>The decisions about attempts to confirm.</summary>
    public DbSet<PinDecision> PinDecisions => Set<PinDecision>();

    /// <summary>Reservations in the state after their last event.</summary>
    public DbSet<ReservationRow> Reservations => Set<ReservationRow>();

    /// <summary>The events of reservations.</summary>
    public DbSet<ReservationEvent> ReservationEvents => Set<ReservationEvent>();

    /// <summary>The position up to which each partition's events are stored.</summary>
    public DbSet<StreamPosition> StreamPositions => Set<StreamPosition>();

    /// <summary>Events that could not be stored.</summary>
    public DbSet<DeadLetter> DeadLetters => Set<DeadLetter>();

    /// <summary>The events that payment providers sent.</summary>
    public DbSet<PaymentEvent> PaymentEvents => Set<PaymentEvent>();

    /// <summary>Messages for other systems.</summary>
    public DbSet<OutboxMessage> Outbox => Set<OutboxMessage>();

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.UseSnakeCaseNames();

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(LedgerContext).Assembly);
}
