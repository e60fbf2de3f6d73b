using System.Diagnostics;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Faults.Running;

/// <summary>What was waited for did not happen.</summary>
public sealed class NeverHappenedException(string what, TimeSpan patience)
    : Exception($"It did not happen within {patience.TotalSeconds:0} s: {what}");

/// <summary>Waiting for conditions.</summary>
public static class Waiting
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(120);

    /// <summary>Repeats what may be repeated, and takes longer than it gives itself on a busy machine.</summary>
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
                // Once more.
            }
        }
    }

    /// <summary>Waits for something that happens by itself; a store that is away counts as not yet.</summary>
    /// <param name="what">What, in words.</param>
    /// <param name="happened">Whether it has.</param>
    /// <param name="patience">How long it may take; two minutes when absent.</param>
    /// <exception cref="NeverHappenedException">It didn't.</exception>
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
            catch (Exception e) when (e is NpgsqlException or RedisException or RedisTimeoutException
                or InvalidOperationException or TimeoutException or HttpRequestException or TaskCanceledException)
            {
                // Not yet.
            }

            if (watch.Elapsed > most) throw new NeverHappenedException(what, most);
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
