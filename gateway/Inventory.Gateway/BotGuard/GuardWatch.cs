using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Inventory.ServiceDefaults;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// Reports to Redis a few times a second which units were taken through this gateway, and learns what is tightened.
/// Requests never wait for it.
/// </summary>
internal sealed partial class GuardWatch(
    IConnectionMultiplexer redis,
    LimiterCircuit circuit,
    TakenUnits taken,
    GuardMemory memory,
    GuardMetrics metrics,
    ChallengeKeys keys,
    IOptions<GuardOptions> options,
    TimeProvider time,
    ILogger<GuardWatch> log)
    : BackgroundService
{
    // Bounds how long one call blocks Redis, at some 15 µs an entry.
    private const int MostPerCall = 200;

    // Most sessions and addresses that are tightened at once. When more of them take too much, the SKU is tightened.
    private const int MostOthers = 1_000;

    private static readonly RedisKey[] StateKeys =
        [GatewayKeys.Guard, GatewayKeys.GuardTightened, GatewayKeys.GuardOperator, GatewayKeys.GuardEvents];

    /// <summary>A stranger begins any number of sessions, so a line for each would fill the log.</summary>
    private readonly LogPace pace = new(time, TimeSpan.FromSeconds(1));
    private string version = "";
    private int othersTightened, othersRelaxed;
    private string latest = "";

    /// <summary>Loads what is tightened before the gateway reports ready, unless Redis is unavailable.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await WatchAsync();
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await taken.WaitAsync(options.Value.Interval, stoppingToken);
            await WatchAsync();
        }
    }

    private async Task WatchAsync()
    {
        var seen = taken.Collect();
        // Units that were taken during an outage are dropped, because reported later they would look as if taken at
        // once. Known entries stay tightened until they end.
        if (circuit.IsOpen) return;

        var challenges = metrics.Collect();
        try
        {
            for (var told = 0; told == 0 || told < seen.Count; told += MostPerCall)
            {
                await TellAsync(seen.GetRange(told, Math.Min(MostPerCall, seen.Count - told)), challenges);
                challenges = default;
            }
        }
        catch (StoreException)
        {
            // The next round tries again; the limiter's circuit logs that Redis is unavailable.
            metrics.Restore(challenges);
        }
    }

    private async Task TellAsync(List<Taken> seen, (long Issued, long Solved, long Refused) challenges)
    {
        var guard = options.Value;
        RedisKey[] scriptKeys = [.. StateKeys, .. seen.Select(one => (RedisKey)$"{GatewayKeys.Guard}:taken:{one.Who}")];
        List<RedisValue> arguments =
        [
            (long)guard.Within.TotalMilliseconds, (long)guard.Duration.TotalMilliseconds, MostOthers, this.version,
            challenges.Issued, challenges.Solved, challenges.Refused, Difficulty.MostPressure,
        ];
        foreach (var one in seen) arguments.AddRange([one.Who, one.Units, one.Threshold]);

        var reply = (RedisResult[])(await Script.GuardWatch.RunAsync(
            redis.GetDatabase(), scriptKeys, [.. arguments]))!;
        var version = (string)reply[0]!;
        Report((RedisResult[])reply[1]!);
        if (version == this.version) return;

        // Another Redis, or one that has lost its data, doesn't have the challenge key either.
        if (Began(version) != Began(this.version)) await keys.ExchangeAsync();
        memory.Tightened = Read((RedisResult[])reply[2]!, (RedisResult[])reply[3]!);
        this.version = version;
    }

    private static string Began(string version) => version.Split(':')[0];

    private Tightened Read(RedisResult[] tightened, RedisResult[] switches)
    {
        var now = time.GetTimestamp();
        var entries = new List<Tightened.Entry>();
        for (var i = 0; i < tightened.Length; i += 3)
        {
            var who = (string)tightened[i]!;
            var left = TimeSpan.FromMilliseconds((long)tightened[i + 1]);
            entries.Add(new(
                who,
                now + (long)(left.TotalSeconds * time.TimestampFrequency),
                Difficulty.PressureOf((long)tightened[i + 2], options.Value.ThresholdOf(who))));
        }

        var switchedOn = new List<string>();
        for (var i = 0; i < switches.Length; i += 2)
        {
            if ((string?)switches[i + 1] == GuardModes.On) switchedOn.Add((string)switches[i]!);
        }

        return new Tightened(entries, switchedOn);
    }

    private void Report(RedisResult[] changes)
    {
        for (var i = 0; i < changes.Length; i += 3)
        {
            var (change, who) = ((string)changes[i]!, (string)changes[i + 1]!);
            var isTightened = change == "tightened";
            metrics.Changed(change, who);
            if (GuardSubject.SkuOf(who) is null)
            {
                if (isTightened) othersTightened++;
                else othersRelaxed++;
                latest = who;
            }
            else if (isTightened) Tightening(log, who, (long)changes[i + 2], options.Value.Within.TotalSeconds);
            else Relaxed(log, who);
        }

        ReportOthers();
    }

    /// <summary>At most one line a second; a later one counts what came in between.</summary>
    private void ReportOthers()
    {
        if (othersTightened + othersRelaxed == 0 || !pace.TryTake()) return;
        OthersChanged(log, othersTightened, othersRelaxed, latest);
        (othersTightened, othersRelaxed) = (0, 0);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "{Who} is tightened: {Units} units were taken within {Seconds} s. Reserving now requires a proof of work.")]
    private static partial void Tightening(ILogger log, string who, long units, double seconds);

    [LoggerMessage(2, LogLevel.Information, "{Who} is relaxed again.")]
    private static partial void Relaxed(ILogger log, string who);

    [LoggerMessage(3, LogLevel.Warning,
        "Sessions and addresses since the last line: {Tightened} are tightened, {Relaxed} relaxed again; the latest is "
            + "{Who}.")]
    private static partial void OthersChanged(ILogger log, int tightened, int relaxed, string who);
}
