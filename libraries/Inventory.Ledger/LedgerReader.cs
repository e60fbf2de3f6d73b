using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>
/// The ledger for reading what may be a moment old: it may be connected to a replica, or as a role that can only read.
/// What is read in order to be changed, or right after a change, belongs to <see cref="LedgerContext"/>.
/// </summary>
public sealed class LedgerReader(DbContextOptions<LedgerReader> options) : DbContext(options)
{
    private const string Refusal = "LedgerReader only reads, and may stand on a replica; changes go to LedgerContext.";

    /// <inheritdoc cref="LedgerContext.Movements"/>
    public DbSet<InventoryMovement> Movements => Set<InventoryMovement>();

    /// <inheritdoc cref="LedgerContext.Orders"/>
    public DbSet<Order> Orders => Set<Order>();

    /// <summary>Refuses: nothing is saved here.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override int SaveChanges(bool acceptAllChangesOnSuccess) => throw new InvalidOperationException(Refusal);

    /// <inheritdoc cref="SaveChanges(bool)"/>
    public override Task<int> SaveChangesAsync(
        bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException(Refusal);

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.UseSnakeCaseNames();

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(LedgerReader).Assembly);
}
