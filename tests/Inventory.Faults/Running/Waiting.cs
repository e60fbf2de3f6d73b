using System.Diagnostics;
using Inventory.Storage;
using Inventory.Testing;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Faults.Running;

/// <summary>Waiting for conditions.</summary>
public static class Waiting
{
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
    public static Task UntilAsync(string what, Func<Task<bool>> happened, TimeSpan? patience = null) =>
        Eventually.TrueAsync(
            happened,
            patience: patience,
            isTransient: e => e is StoreException or NpgsqlException or RedisException or RedisTimeoutException
                or InvalidOperationException or TimeoutException or HttpRequestException or TaskCanceledException,
            what: what);
}
