using System.Globalization;
using Inventory.Faults.History;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Faults.Running;

/// <summary>Injects faults one after another, in a seeded order that covers every kind.</summary>
/// <remarks>Sometimes it injects two at once. After each fault it waits until a reserve call succeeds again.</remarks>
/// <param name="installation">The product to break.</param>
/// <param name="seed">The seed of the order.</param>
/// <param name="recorder">Shows whether calls are served.</param>
public sealed class Nemesis(Installation installation, int seed, Recorder recorder)
{
    private readonly Random random = new(seed);
    private readonly List<Fault> faults = [];
    private readonly List<Wipe> wipes = [];

    /// <summary>The injected faults.</summary>
    public IReadOnlyList<Fault> Faults => faults;

    /// <summary>When Redis lost its data.</summary>
    public IReadOnlyList<Wipe> Wipes => wipes;

    /// <summary>Called when a fault has ended.</summary>
    public Action<Fault> OnFault { get; init; } = _ => { };

    /// <summary>Injects faults until cancelled. When it returns, the cause of every fault has ended.</summary>
    public async Task RageAsync(CancellationToken stop)
    {
        var deck = new Queue<(string Kind, Func<Task> Break)>();
        while (!stop.IsCancellationRequested)
        {
            if (deck.Count < 2) foreach (var each in Shuffled()) deck.Enqueue(each);
            var (kind, act) = deck.Dequeue();
            var begun = Clock.NowMs;
            if (random.Next(8) == 0 && TargetOf(deck.Peek().Kind) != TargetOf(kind))
            {
                var (other, also) = deck.Dequeue();
                kind = $"{kind} + {other}";
                await Task.WhenAll(act(), also());
            }
            else
            {
                await act();
            }

            var fault = new Fault(kind, begun, Clock.NowMs);
            faults.Add(fault);
            OnFault(fault);
            await ServedAgainAsync(fault.EndedMs, stop);
            await PauseAsync(random.Next(200, 1_000), stop);
        }
    }

    /// <summary>The target of a fault: two faults at once must have different targets.</summary>
    private static string TargetOf(string kind) => kind.Split(' ', '\'')[1];

    private (string Kind, Func<Task> Break)[] Shuffled()
    {
        var all = new List<(string, Func<Task>)>
        {
            ("kill redis", KillRedisAsync),
            ("kill postgres", KillPostgresAsync),
            ("freeze redis", () => FreezeAsync(installation.RedisServer.Freeze, installation.RedisServer.Thaw)),
            ("freeze postgres", () => FreezeAsync(installation.Postgres.Freeze, installation.Postgres.Thaw)),
            ("wipe redis", () => WipeAsync(flush: true)),
            ("lose redis' disk", () => WipeAsync(flush: false)),
            ("drop the slot", DropSlotAsync),
        };
        foreach (var member in installation.Members.Values)
        {
            all.Add(($"kill {member.Name}", () => KillAsync(member)));
            all.Add(($"freeze {member.Name}", () => FreezeAsync(member.Freeze, member.Thaw)));
        }

        foreach (var (name, network) in installation.Networks)
        {
            all.Add(($"cut {name}", () => CutAsync(network)));
            all.Add(($"delay {name}", () => DelayAsync(network)));
        }

        var shuffled = all.ToArray();
        random.Shuffle(shuffled);
        return shuffled;
    }

    private async Task KillAsync(Member member)
    {
        await member.KillAsync();
        await PauseAsync(random.Next(1_500));
        member.Revive();
    }

    private async Task KillRedisAsync()
    {
        await Waiting.UntilDoneAsync(installation.RedisServer.KillAsync);
        await PauseAsync(random.Next(2_000));
        await installation.RedisServer.RestartAsync();
    }

    private async Task KillPostgresAsync()
    {
        await Waiting.UntilDoneAsync(installation.Postgres.KillAsync);
        await PauseAsync(random.Next(2_000));
        await installation.Postgres.RestartAsync();
    }

    private async Task FreezeAsync(Action freeze, Action thaw)
    {
        freeze();
        await PauseAsync(random.Next(300, 4_000));
        thaw();
    }

    private async Task CutAsync(UnreliableProxy network)
    {
        network.Cut();
        await PauseAsync(random.Next(200, 3_000));
        network.Mend();
    }

    private async Task DelayAsync(UnreliableProxy network)
    {
        network.Delay(TimeSpan.FromMilliseconds(random.Next(10, 150)));
        await PauseAsync(random.Next(1_000, 3_000));
        network.Mend();
    }

    /// <summary>Deletes all data of Redis. The product must restore what the ledger has stored, and no more.</summary>
    private async Task WipeAsync(bool flush)
    {
        var stored = await StoredMsAsync();
        var begun = Clock.NowMs;
        if (flush)
        {
            await Waiting.UntilAsync("Redis is flushed", async () =>
            {
                await installation.Redis.GetServers()[0].FlushAllDatabasesAsync();
                return true;
            });
            wipes.Add(new(stored, begun, Clock.NowMs));
            return;
        }

        await Waiting.UntilDoneAsync(installation.RedisServer.KillAsync);
        wipes.Add(new(stored, begun, Clock.NowMs));
        installation.RedisServer.LoseData();
        await PauseAsync(random.Next(1_000));
        await installation.RedisServer.RestartAsync();
    }

    /// <summary>The time up to which all events are stored; of the last event's millisecond some may not be.</summary>
    private async Task<long> StoredMsAsync()
    {
        try
        {
            await using var read = installation.Ledger.CreateCommand("SELECT max(stream_id) FROM stream_positions");
            return await read.ExecuteScalarAsync() is string id
                ? long.Parse(id.Split('-')[0], CultureInfo.InvariantCulture) - 1
                : 0;
        }
        catch (NpgsqlException)
        {
            // PostgreSQL is unavailable too, so assume that nothing is stored.
            return 0;
        }
    }

    private async Task DropSlotAsync()
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                await installation.ExecuteAsync(
                    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active");
                await installation.ExecuteAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
                return;
            }
            catch (NpgsqlException)
            {
                // The slot is in use again, or the server is unavailable.
                await PauseAsync(20);
            }
        }
    }

    private async Task ServedAgainAsync(long sinceMs, CancellationToken stop)
    {
        var patience = Clock.NowMs + 60_000;
        while (!stop.IsCancellationRequested && Clock.NowMs < patience && recorder.LastServedMs <= sinceMs)
        {
            await PauseAsync(20, stop);
        }
    }

    private static async Task PauseAsync(int ms, CancellationToken stop = default) =>
        await Task.Delay(ms, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
