using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>The base of tests that stop, replace or empty stores: each test has its own stores.</summary>
public abstract class OwnStores : IAsyncLifetime, IAsyncDisposable
{
    /// <summary>PostgreSQL and Redis of this test alone.</summary>
    protected Stores Stores { get; } = new();

    /// <summary>The only partition.</summary>
    protected static Partition Only => default;

    public Task InitializeAsync() => Stores.InitializeAsync();

    public Task DisposeAsync() => Stores.DisposeAsync();

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
