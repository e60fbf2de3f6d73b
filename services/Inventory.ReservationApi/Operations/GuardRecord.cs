using System.Globalization;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Operations;

/// <summary>
/// The state of the gateways' bot guard in Redis, under the keys that <c>lua/guard_watch.lua</c> lists. Operators use
/// it through this API, like everything else; the gateways see a switch within their interval.
/// </summary>
internal sealed class GuardRecord(IConnectionMultiplexer redis, TimeProvider time)
{
    private const int MostEvents = 1_000, RecentEvents = 50;
    private const char Separator = '\t';

    private static readonly RedisKey Guard = GatewayKeys.Guard, Tightened = GatewayKeys.GuardTightened,
        Operator = GatewayKeys.GuardOperator, Events = GatewayKeys.GuardEvents;

    private readonly IDatabase database = redis.GetDatabase();

    /// <summary>What is tightened and switched, and the latest events.</summary>
    internal async Task<ShowGuard.Response> ReadAsync()
    {
        var counts = database.HashGetAsync(Guard, ["issued", "solved", "refused"]);
        var tightened = database.HashGetAllAsync(Tightened);
        var switched = database.HashGetAllAsync(Operator);
        var events = database.StreamRangeAsync(
            Events, count: RecentEvents, messageOrder: Order.Descending);
        await Task.WhenAll(counts, tightened, switched, events).OrFailedAsync();

        var now = time.GetUtcNow().UtcDateTime;
        return new()
        {
            Tightened = [.. (await tightened).Select(ReadTightened).Where(one => one.Until > now)
                .OrderByDescending(one => one.Since)],
            Switched = [.. (await switched).Select(ReadSwitch).OrderBy(one => one.Sku, StringComparer.Ordinal)],
            Challenges = new((long)(await counts)[0], (long)(await counts)[1], (long)(await counts)[2]),
            Recent = [.. (await events).Select(ReadEvent)],
        };
    }

    /// <summary>Switches one SKU, or leaves it to the guard again, in one transaction.</summary>
    /// <param name="sku">The SKU. Not checked: whether it is on sale.</param>
    /// <param name="mode">One of <see cref="GuardModes"/>.</param>
    /// <param name="by">The caller that decides.</param>
    /// <param name="reason">Why; without control characters.</param>
    internal async Task<GuardSwitch> SwitchAsync(string sku, string mode, string by, string reason)
    {
        var since = time.GetUtcNow().ToUnixTimeMilliseconds();
        var change = database.CreateTransaction();
        if (mode == GuardModes.Automatic)
        {
            _ = change.HashDeleteAsync(Operator, sku);
        }
        else
        {
            string[] fields = [mode, since.ToString(CultureInfo.InvariantCulture), by, reason];
            _ = change.HashSetAsync(Operator, sku, string.Join(Separator, fields));
            // The operator's switch replaces the guard's own decision.
            _ = change.HashDeleteAsync(Tightened, GuardSubject.Sku(sku));
        }

        _ = change.HashSetAsync(Guard, "began_ms", since, When.NotExists);
        _ = change.HashIncrementAsync(Guard, "version");
        _ = change.StreamAddAsync(
            Events,
            [
                new("event", "switched " + mode), new("who", GuardSubject.Sku(sku)), new("units", 0),
                new("by", by), new("reason", reason),
            ],
            maxLength: MostEvents, useApproximateMaxLength: true);
        await change.ExecuteAsync().OrFailedAsync();
        return new(sku, mode, Time(since), by, reason);
    }

    private static TightenedSubject ReadTightened(HashEntry entry)
    {
        var (kind, name) = GuardSubject.Split(entry.Name.ToString());
        var fields = entry.Value.ToString().Split(' ');
        return new(kind, name, Time(Number(fields[0])), Time(Number(fields[1])), Number(fields[2]));
    }

    private static GuardSwitch ReadSwitch(HashEntry entry)
    {
        var fields = entry.Value.ToString().Split(Separator);
        return new(entry.Name.ToString(), fields[0], Time(Number(fields[1])), fields[2], fields[3]);
    }

    private static GuardEvent ReadEvent(StreamEntry entry)
    {
        var (kind, name) = GuardSubject.Split(entry["who"].ToString());
        return new(Time(Number(entry.Id.ToString().Split('-')[0])), entry["event"].ToString(), kind, name)
        {
            Units = (long?)entry["units"] is > 0 and var units ? units : null,
            By = entry["by"],
            Reason = entry["reason"],
        };
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static DateTime Time(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime;
}
