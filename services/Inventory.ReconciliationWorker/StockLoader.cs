using Inventory.Ledger;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Sends every total from PostgreSQL to Redis: at start, periodically, and when change capture may have missed some.
/// Any number of instances may run, because totals have versions and Redis ignores older ones.
/// </summary>
public sealed partial class StockLoader(
    StockWriter writer,
    StoreOutages outages,
    ReconciliationMetrics metrics,
    IServiceScopeFactory scopes,
    IOptions<ReconciliationOptions> options,
    IHostEnvironment environment,
    TimeProvider time,
    ILogger<StockLoader> log) : BackgroundService
{
    private readonly TaskCompletionSource ledgerReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int requests;

    /// <summary>Whether Redis had every total at least once since this process started.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Completes when PostgreSQL has this build's tables.</summary>
    public Task LedgerReady => ledgerReady.Task;

    /// <summary>
    /// Requests a sweep that begins after this call, within <see cref="ReconciliationOptions.FenceCheckInterval"/>. It
    /// is retried until it succeeds.
    /// </summary>
    public void RequestSweep() => Interlocked.Increment(ref requests);

    /// <summary>Executes one full sweep.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var (read, applied) = await writer.WriteAsync(
            scope.ServiceProvider.GetRequiredService<StockLevels>().ReadAllAsync(cancellation: cancellationToken),
            cancellationToken);
        if (applied > 0 || !IsLoaded) Loaded(applied, read);
        IsLoaded = true;
        metrics.Swept();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PrepareLedgerAsync(stoppingToken);
        ledgerReady.SetResult();
        using var tick = new PeriodicTimer(options.Value.FenceCheckInterval, time);
        long? swept = null;
        var served = 0;
        do
        {
            try
            {
                var asked = Volatile.Read(ref requests);
                var due = swept is not { } at || time.GetElapsedTime(at) >= options.Value.SweepInterval;
                if (due || asked != served)
                {
                    await SweepAsync(stoppingToken);
                    swept = time.GetTimestamp();
                    served = asked;
                }

                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.IsOfStore(e))
            {
                // The next tick retries. Until then Redis sells by its current totals, or stays fenced.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
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

    [LoggerMessage(1, LogLevel.Information, "Redis took over {Applied} of {Read} totals from PostgreSQL.")]
    private partial void Loaded(int applied, int read);
}
