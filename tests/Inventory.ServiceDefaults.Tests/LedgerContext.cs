using Microsoft.EntityFrameworkCore;

namespace Inventory.ServiceDefaults.Tests;

public sealed record Unit(int Id, string Name);

public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    public DbSet<Unit> Units => Set<Unit>();
}
