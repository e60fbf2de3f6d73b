using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Queue;

/// <summary>Closes the circuit when Redis is back and this instance has read the waiting queue.</summary>
internal sealed class StockProbe(
    StockCircuit circuit, QueueWatch watch, IConnectionMultiplexer redis, TimeProvider time) : BackgroundService
{
    // Before the break time is over, a probe costs nothing and is not sent to Redis.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Interval, time);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            if (!circuit.IsOpen || !await circuit.ProbeAsync(PingAsync)) continue;
            // Requests that pass from now on must not overtake waiting tickets.
            await watch.RefreshAsync(stoppingToken);
            circuit.Close();
        }
    }

    private Task<TimeSpan> PingAsync() => redis.GetDatabase().PingAsync().OrFailedAsync();
}
