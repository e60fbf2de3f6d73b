using StackExchange.Redis;

namespace Inventory.ReservationApi.Queueing;

/// <summary>Closes the circuit when Redis is back and it is known who waits.</summary>
internal sealed class StockProbe(
    StockCircuit circuit, QueueWatch watch, IConnectionMultiplexer redis, TimeProvider time) : BackgroundService
{
    // Until the time to ask has come, asking costs nothing and reaches nobody.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Interval, time);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            if (!circuit.IsOpen || !await circuit.ProbeAsync(PingAsync)) continue;
            // Whoever comes through from now on must not overtake those who came before.
            await watch.RefreshAsync(stoppingToken);
            circuit.Close();
        }
    }

    private async Task PingAsync()
    {
        try
        {
            await redis.GetDatabase().PingAsync();
        }
        catch (OperationCanceledException e)
        {
            // So the client calls a connection that it has given up.
            throw new RedisConnectionException(
                ConnectionFailureType.SocketClosed, CommandFlags.None, "The connection was given up.", e);
        }
    }
}
