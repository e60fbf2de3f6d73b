using System.Diagnostics;
using Inventory.Storage;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Faults.Running;

/// <summary>A condition was not met in time.</summary>
public sealed class NeverHappenedException(string what, TimeSpan patience)
    : Exception($"Not met within {patience.TotalSeconds:0} s: {what}");

/// <summary>Waiting for conditions.</summary>
public static class Waiting
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(120);

    /// <summary>Repeats an idempotent action that times out on a busy machine, ten times at most.</summary>
    public static async Task UntilDoneAsync(Func<Task> act)
    {
        ArgumentNullException.ThrowIfNull(act);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await act();
                return;
            }
            catch (TimeoutException) when (attempt < 10)
            {
                // Try again.
            }
        }
    }

    /// <summary>Waits for a condition; while a store is unavailable, it counts as not met.</summary>
    /// <param name="what">The condition in words.</param>
    /// <param name="happened">Whether it is met.</param>
    /// <param name="patience">The longest wait; two minutes by default.</param>
    /// <exception cref="NeverHappenedException">The condition was not met in time.</exception>
    public static async Task UntilAsync(string what, Func<Task<bool>> happened, TimeSpan? patience = null)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var most = patience ?? Usual;
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await happened()) return;
            }
            catch (Exception e) when (e is StoreException or NpgsqlException or RedisException or RedisTimeoutException
                or InvalidOperationException or TimeoutException or HttpRequestException or TaskCanceledException)
            {
                // Not met yet.
            }

            if (watch.Elapsed > most) throw new NeverHappenedException(what, most);
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
