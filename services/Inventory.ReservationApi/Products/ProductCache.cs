using System.Collections.Concurrent;
using Inventory.Ledger;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Products;

/// <summary>
/// Products as they were a moment ago: from memory, or else from Redis, or else from PostgreSQL. For display only: a
/// change reads and locks the product's row.
/// </summary>
/// <remarks>
/// One load per product and instance, however many callers wait for it. A change replaces the entry, also while it is
/// loading, so a read after a change never returns the state before it.
/// </remarks>
internal sealed partial class ProductCache(
    SharedProducts shared, IServiceScopeFactory scopes, IConnectionMultiplexer redis, ProductCacheMetrics metrics,
    IOptions<ProductCacheOptions> options, TimeProvider time, ILogger<ProductCache> log) : BackgroundService
{
    // Pause before the next attempt to subscribe to changes. Until then, entries still expire by their lifetime.
    private static readonly TimeSpan HearingPause = TimeSpan.FromSeconds(1);

    // Pause between two reloads of a product: a reload that found nothing newer must not be repeated by every read.
    private static readonly TimeSpan ReloadPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private readonly ProductCacheOptions settings = options.Value;

    /// <summary>How many products are in memory.</summary>
    internal int Entries => entries.Count;

    /// <summary>A product; null when there is none.</summary>
    internal Task<ProductState?> ReadAsync(string sku, CancellationToken stop)
    {
        if (entries.TryGetValue(sku, out var known) && IsUsable(known))
        {
            metrics.MemoryHit();
            return known.Loading.WaitAsync(stop);
        }

        metrics.MemoryMiss();
        lock (gate)
        {
            // Another caller may have begun a load meanwhile.
            if (entries.TryGetValue(sku, out known) && IsUsable(known)) return known.Loading.WaitAsync(stop);
            return Begin(sku, changed: false, isReload: false).Loading.WaitAsync(stop);
        }
    }

    /// <summary>A product that is known to have changed since it was loaded, although no notification came.</summary>
    internal Task<ProductState?> ReadAgainAsync(string sku, CancellationToken stop)
    {
        lock (gate)
        {
            if (entries.TryGetValue(sku, out var known) && known.IsReload && !known.Loading.IsFaulted
                && time.GetElapsedTime(known.BegunAt) < ReloadPause)
            {
                return known.Loading.WaitAsync(stop);
            }
            metrics.Invalidated();
            return Begin(sku, changed: true, isReload: true).Loading.WaitAsync(stop);
        }
    }

    /// <summary>A product as PostgreSQL has it now, past both caches.</summary>
    internal async Task<ProductState?> ReadThroughAsync(string sku, CancellationToken stop)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await ProductState.ReadAsync(scope.ServiceProvider.GetRequiredService<LedgerContext>(), sku, stop);
    }

    /// <summary>
    /// Reloads a product that this instance has changed, and notifies the others. Call it after the commit.
    /// </summary>
    internal async Task ChangedAsync(string sku)
    {
        Entry entry;
        lock (gate) entry = Begin(sku, changed: true, isReload: false);
        metrics.Invalidated();
        try
        {
            await entry.Loading;
        }
        catch (StoreException e) when (e.IsOutage)
        {
            // The change is committed, and a failed entry is not used; the next read loads it.
        }
        await shared.TellAsync(sku);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Notifications may have been lost while the connection was broken.
        redis.ConnectionRestored += (_, _) => entries.Clear();
        while (true)
        {
            try
            {
                await shared.HearAsync(Forget);
                entries.Clear();
                return;
            }
            catch (StoreException e)
            {
                NotHeard(e.Message);
            }
            await Task.Delay(HearingPause, time, stoppingToken);
        }
    }

    private void Forget(string sku)
    {
        if (entries.TryRemove(sku, out _)) metrics.Invalidated();
    }

    private bool IsUsable(Entry entry)
    {
        if (!entry.Loading.IsCompleted) return true;
        if (!entry.Loading.IsCompletedSuccessfully) return false;
        var lifetime = entry.Loading.Result is null ? settings.UnknownLifetime : settings.Lifetime;
        return time.GetElapsedTime(entry.BegunAt) < lifetime;
    }

    /// <summary>Starts a load that replaces the entry. The caller holds the gate.</summary>
    private Entry Begin(string sku, bool changed, bool isReload)
    {
        if (entries.Count >= settings.MaxEntries) MakeRoom();
        // The load belongs to no request: a caller may stop waiting, and the others still get the product.
        var entry = new Entry(Task.Run(() => LoadAsync(sku, changed)), isReload, time.GetTimestamp());
        entries[sku] = entry;
        return entry;
    }

    private async Task<ProductState?> LoadAsync(string sku, bool changed)
    {
        if (!changed && await shared.ReadAsync(sku) is { } remembered) return remembered;
        var lease = await shared.LeaseAsync(sku, changed);
        // A replica may not have a recent change yet.
        var state = await (changed ? ReadThroughAsync(sku, CancellationToken.None) : ReadReplicaAsync(sku));
        if (lease is not null) await shared.WriteAsync(sku, state, lease);
        return state;
    }

    private async Task<ProductState?> ReadReplicaAsync(string sku)
    {
        await using var scope = scopes.CreateAsyncScope();
        var ledger = scope.ServiceProvider.GetRequiredService<LedgerReader>();
        return await ProductState.ReadAsync(ledger, sku, CancellationToken.None);
    }

    /// <summary>Removes unusable entries and unknown SKUs; if that is not enough, any tenth of the rest.</summary>
    private void MakeRoom()
    {
        foreach (var (sku, entry) in entries)
        {
            var isUnknown = entry.Loading is { IsCompletedSuccessfully: true, Result: null };
            if (isUnknown || !IsUsable(entry)) entries.TryRemove(sku, out _);
        }
        if (entries.Count < settings.MaxEntries) return;
        foreach (var (sku, _) in entries.Take(1 + (settings.MaxEntries / 10))) entries.TryRemove(sku, out _);
    }

    [LoggerMessage(1, LogLevel.Warning, "Can't subscribe to product changes of other instances yet: {Reason}")]
    private partial void NotHeard(string reason);

    private sealed record Entry(Task<ProductState?> Loading, bool IsReload, long BegunAt);
}
