using System.Collections.Concurrent;
using Inventory.Ledger;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Products;

/// <summary>
/// Products as they were a moment ago: from memory, or else from Redis, or else from PostgreSQL. For showing; who
/// changes a product reads and locks its row.
/// </summary>
/// <remarks>
/// One load per product and instance, however many wait for it. A change removes the entry, a load on its way included:
/// who asks after a change is never answered from before it.
/// </remarks>
internal sealed partial class ProductCache(
    SharedProducts shared, IServiceScopeFactory scopes, IConnectionMultiplexer redis, ProductCacheMetrics metrics,
    IOptions<ProductCacheOptions> options, TimeProvider time, ILogger<ProductCache> log) : BackgroundService
{
    // How soon hearing of changes is tried again. Until then, entries live no longer than they may.
    private static readonly TimeSpan HearingPause = TimeSpan.FromSeconds(1);

    // After a reload that found nothing newer (a replica that lags), answers wait for the replica and not in a circle.
    private static readonly TimeSpan ReloadPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private readonly ProductCacheOptions settings = options.Value;

    /// <summary>How many products are in memory.</summary>
    internal int Entries => entries.Count;

    internal static void Register(IServiceCollection services)
    {
        services.AddOptions<ProductCacheOptions>()
            .BindConfiguration(ProductCacheOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ProductCacheMetrics>();
        services.AddSingleton<SharedProducts>();
        services.AddSingleton<ProductCache>();
        services.AddHostedService(provider => provider.GetRequiredService<ProductCache>());
    }

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
            // Somebody else may have begun meanwhile.
            if (entries.TryGetValue(sku, out known) && IsUsable(known)) return known.Loading.WaitAsync(stop);
            return Begin(sku, changed: false, isReload: false).Loading.WaitAsync(stop);
        }
    }

    /// <summary>A product that is known to have changed since it was loaded, though nobody told.</summary>
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

    /// <summary>A product as PostgreSQL has it now, past everything that is remembered.</summary>
    internal async Task<ProductState?> ReadThroughAsync(string sku, CancellationToken stop)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await ProductState.ReadAsync(scope.ServiceProvider.GetRequiredService<LedgerContext>(), sku, stop);
    }

    /// <summary>We have changed a product: it is loaded anew, for everybody. Call it after the commit.</summary>
    internal async Task ChangedAsync(string sku)
    {
        Entry entry;
        lock (gate) entry = Begin(sku, changed: true, isReload: false);
        metrics.Invalidated();
        try
        {
            await entry.Loading;
        }
        catch (Exception e) when (LedgerOutage.Explains(e))
        {
            // The change is committed and forgotten here; the next read loads it.
        }
        await shared.TellAsync(sku);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Changes may have been told while the connection was away.
        redis.ConnectionRestored += (_, _) => entries.Clear();
        while (true)
        {
            try
            {
                await shared.HearAsync(Forget);
                entries.Clear();
                return;
            }
            catch (Exception e) when (e is RedisException or TimeoutException
                || (e is OperationCanceledException && !stoppingToken.IsCancellationRequested))
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

    /// <summary>Starts a load and puts it into the place of what is there. The gate is held.</summary>
    private Entry Begin(string sku, bool changed, bool isReload)
    {
        if (entries.Count >= settings.MaxEntries) MakeRoom();
        // Nobody's request: who waits may go, and the others still get it.
        var entry = new Entry(Task.Run(() => LoadAsync(sku, changed)), isReload, time.GetTimestamp());
        entries[sku] = entry;
        return entry;
    }

    private async Task<ProductState?> LoadAsync(string sku, bool changed)
    {
        if (!changed && await shared.ReadAsync(sku) is { } remembered) return remembered;
        var lease = await shared.LeaseAsync(sku, changed);
        // A replica may not have a change yet that was made just now.
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

    /// <summary>First what is of no use; if all is, any tenth of it.</summary>
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

    [LoggerMessage(1, LogLevel.Warning, "Changes of products by other instances are not heard of yet: {Reason}")]
    private partial void NotHeard(string reason);

    private sealed record Entry(Task<ProductState?> Loading, bool IsReload, long BegunAt);
}
