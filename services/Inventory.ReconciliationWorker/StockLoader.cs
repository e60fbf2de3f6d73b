using Inventory.Ledger;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Brings every total from PostgreSQL to Redis, and lifts the fence only when all are there: an empty Redis must never
/// look like free stock. Any number of instances may run, since totals carry versions and older ones change nothing.
/// </summary>
public sealed partial class StockLoader(
    StockEngine stock,
    IServiceScopeFactory scopes,
    IOptions<ReconciliationOptions> options,
    IHostEnvironment environment,
    TimeProvider time,
    ILogger<StockLoader> log) : BackgroundService
{
    private bool failing;

    /// <summary>Whether Redis had every total at least once since this process started.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>One full sweep; then the fence is lifted where it is down.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        int read = 0, applied = 0;
        await using var scope = scopes.CreateAsyncScope();
        await Parallel.ForEachAsync(
            scope.ServiceProvider.GetRequiredService<StockLevels>().ReadAllAsync(cancellation: cancellationToken),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = options.Value.SweepConcurrency,
                CancellationToken = cancellationToken,
            },
            async (level, _) =>
            {
                Interlocked.Increment(ref read);
                if (!Names.IsSku(level.Sku))
                {
                    NotASku(level.Sku, Names.SkuRule);
                    return;
                }

                var outcome = await stock.SetStockAsync(
                    new(level.Sku, level.Total, level.Version, level.MaxPerCustomer, level.Paused));
                if (outcome == SetStockOutcome.Applied) Interlocked.Increment(ref applied);
            });
        if (applied > 0 || !IsLoaded) Loaded(applied, read);
        if (await stock.LiftFenceAsync()) FenceLifted();
        IsLoaded = true;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PrepareLedgerAsync(stoppingToken);
        using var tick = new PeriodicTimer(options.Value.FenceCheckInterval, time);
        long? swept = null;
        do
        {
            try
            {
                var due = swept is not { } at || time.GetElapsedTime(at) >= options.Value.SweepInterval;
                if (due || await stock.IsFencedAsync())
                {
                    await SweepAsync(stoppingToken);
                    swept = time.GetTimestamp();
                }

                failing = false;
            }
            catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException or NpgsqlException)
            {
                // The next tick retries. Until then Redis sells by the totals it has, or stays fenced.
                if (!failing) StoreIsAway(e.Message);
                failing = true;
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private async Task PrepareLedgerAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var migration = scope.ServiceProvider.GetRequiredService<LedgerMigration>();
        await migration.ApplyAsync(LedgerMigration.StartupPatience, cancellationToken);
        if (!environment.IsDevelopment()) return;
        await DemoCatalog.EnsureAsync(scope.ServiceProvider.GetRequiredService<LedgerContext>(), cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "Redis took over {Applied} of {Read} totals from PostgreSQL.")]
    private partial void Loaded(int applied, int read);

    [LoggerMessage(LogLevel.Information, "The fence is lifted: Redis has every total and may sell.")]
    private partial void FenceLifted();

    [LoggerMessage(LogLevel.Error, "SKU {Sku} can't be sold: a SKU has {Rule}.")]
    private partial void NotASku(string sku, string rule);

    [LoggerMessage(LogLevel.Warning, "Redis or PostgreSQL is away; totals are loaded when it is back. {Reason}")]
    private partial void StoreIsAway(string reason);
}
