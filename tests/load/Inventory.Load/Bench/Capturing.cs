using System.Diagnostics;
using Inventory.Load.Stack;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>Totals that are changed by plain SQL, until Redis has them.</summary>
internal sealed class Capturing(RunningStack stack, Figures figures, Action<string> log)
{
    private const int Changes = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Measures one change after another: each but the first waits for a batch of change capture.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(stack.Redis);
        await using var ledger = NpgsqlDataSource.Create(stack.Ledger);
        var sku = await stack.CreateOwnAsync();
        var key = $"{{inv:0}}:stock:{sku}";
        var total = (int)await redis.GetDatabase().HashGetAsync(key, "total");
        for (var change = 1; change <= Changes; change++)
        {
            await using var update = ledger.CreateCommand("UPDATE inventory SET total = $1 WHERE sku_id = $2");
            update.Parameters.Add(new() { Value = ++total });
            update.Parameters.Add(new() { Value = sku });
            await update.ExecuteNonQueryAsync(stop);
            var committed = Stopwatch.StartNew();
            while ((int)await redis.GetDatabase().HashGetAsync(key, "total") != total)
            {
                if (committed.Elapsed > Patience) throw new InvalidOperationException("A change was not captured.");
                await Task.Delay(1, stop);
            }

            figures.Add(Names.Capture, "in Redis after", "ms", committed.Elapsed.TotalMilliseconds);
        }

        log($"{Changes} changes by SQL: in Redis after {figures.Median(Names.Capture, "in Redis after"):0} ms, "
            + $"{figures.Most(Names.Capture, "in Redis after"):0} ms at most");
    }
}
