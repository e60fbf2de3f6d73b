using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>
/// The system of record: what is sold, under which limits, how many units of it there are, and who has bought them.
/// </summary>
/// <remarks>
/// Laws that the database itself keeps, whoever writes to it:
/// <list type="bullet">
/// <item>a total is never negative;</item>
/// <item>every UPDATE of an <c>inventory</c> row raises its version by one, whatever the statement says;</item>
/// <item>a product's limit or pause, changed, raises that version too: both travel to Redis under it;</item>
/// <item>an <c>inventory</c> row is never removed and never renamed: a SKU that came back with version 1 would be older
/// than what Redis knows, and its total would be ignored.</item>
/// </list>
/// Absent: the decision who holds what. Redis makes it; <see cref="Reservations"/> follow.
/// </remarks>
public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    /// <summary>What is sold, and its limits.</summary>
    public DbSet<Product> Products => Set<Product>();

    /// <summary>Units of each SKU.</summary>
    public DbSet<InventoryRow> Inventory => Set<InventoryRow>();

    /// <summary>Why each total changed.</summary>
    public DbSet<InventoryMovement> Movements => Set<InventoryMovement>();

    /// <summary>Which adjustments have been made for which idempotency key.</summary>
    public DbSet<AdjustmentKey> AdjustmentKeys => Set<AdjustmentKey>();

    /// <summary>What reservations became.</summary>
    public DbSet<Order> Orders => Set<Order>();

    /// <summary>What became of attempts to confirm.</summary>
    public DbSet<PinDecision> PinDecisions => Set<PinDecision>();

    /// <summary>Reservations as their last event left them.</summary>
    public DbSet<ReservationRow> Reservations => Set<ReservationRow>();

    /// <summary>What happened to reservations.</summary>
    public DbSet<ReservationEvent> ReservationEvents => Set<ReservationEvent>();

    /// <summary>How far each partition's events are stored.</summary>
    public DbSet<StreamPosition> StreamPositions => Set<StreamPosition>();

    /// <summary>Events that could not be stored.</summary>
    public DbSet<DeadLetter> DeadLetters => Set<DeadLetter>();

    /// <summary>What payment providers told us.</summary>
    public DbSet<PaymentEvent> PaymentEvents => Set<PaymentEvent>();

    /// <summary>What others have to be told.</summary>
    public DbSet<OutboxMessage> Outbox => Set<OutboxMessage>();

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.UseSnakeCaseNames();

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(LedgerContext).Assembly);
}
