using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>
/// The ledger for reads that may be slightly outdated: it may be connected to a replica, or with a read-only role. Use
/// <see cref="LedgerContext"/> for reads that precede a change or follow one immediately.
/// </summary>
public sealed class LedgerReader(DbContextOptions<LedgerReader> options) : DbContext(options)
{
    private const string Refusal = "LedgerReader is read-only and may use a replica; save changes with LedgerContext.";

    /// <inheritdoc cref="LedgerContext.Movements"/>
    public DbSet<InventoryMovement> Movements => Set<InventoryMovement>();

    /// <inheritdoc cref="LedgerContext.Orders"/>
    public DbSet<Order> Orders => Set<Order>();

    /// <summary>Always throws: this context is read-only.</summary>
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
