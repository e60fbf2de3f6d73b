using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Tests that stop, replace or lose stores: each has its own.</summary>
public abstract class OwnStores : IAsyncLifetime, IAsyncDisposable
{
    /// <summary>PostgreSQL and Redis of this test alone.</summary>
    protected Stores Stores { get; } = new();

    /// <summary>The one partition that there is.</summary>
    protected static Partition Only => default;

    public Task InitializeAsync() => Stores.InitializeAsync();

    public Task DisposeAsync() => Stores.DisposeAsync();

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
