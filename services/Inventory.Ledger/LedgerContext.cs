using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>
/// The system of record: what is sold, under which limits, and how many units of it there are.
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
/// Absent: reservations being held. Redis decides them; a row here follows the decision.
/// </remarks>
public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    /// <summary>What is sold, and its limits.</summary>
    public DbSet<Product> Products => Set<Product>();

    /// <summary>Units of each SKU.</summary>
    public DbSet<InventoryRow> Inventory => Set<InventoryRow>();

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Conventions.Add(_ => new SnakeCaseNames());

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(LedgerContext).Assembly);
}
