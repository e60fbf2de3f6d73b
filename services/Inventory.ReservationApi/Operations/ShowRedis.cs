using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/redis: the state of Redis, read now.</summary>
public static class ShowRedis
{
    /// <summary>The state of Redis. Without a connection it has only connected, reason and warnings.</summary>
    public sealed record Response
    {
        /// <summary>Whether it answered.</summary>
        public required bool Connected { get; init; }

        /// <summary>Why it didn't, for people.</summary>
        public string? Reason { get; init; }

        /// <summary>What an operator should fix; empty when all is as it must be.</summary>
        public IReadOnlyList<string> Warnings { get; init; } = [];

        /// <summary>Its version.</summary>
        /// <example>7.0.15</example>
        public string? Version { get; init; }

        /// <summary>Seconds since its start.</summary>
        public long? UptimeSeconds { get; init; }

        /// <summary>How long it takes to answer.</summary>
        public RedisLatency? Latency { get; init; }

        /// <summary>What it keeps in memory.</summary>
        public RedisMemory? Memory { get; init; }

        /// <summary>Keys of the database in use.</summary>
        public long? Keys { get; init; }

        /// <summary>How its data survives a restart.</summary>
        public RedisPersistence? Persistence { get; init; }

        /// <summary>Its role in replication.</summary>
        public RedisReplication? Replication { get; init; }

        /// <summary>The latest commands that took long, newest first.</summary>
        public IReadOnlyList<SlowCommand>? SlowLog { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(OperationsFeature.Path + "/redis", Handle)
        .WithName(nameof(ShowRedis))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Look at Redis")
        .WithDescription("Read now, and answered within two seconds even when Redis is unavailable or frozen: then "
            + "connected is false, and the status is still 200.")
        .Answers<Response>(StatusCodes.Status200OK, "The state of Redis.")
        .Refuses();

    internal static async Task<IResult> Handle(RedisReport report) =>
        JsonAnswer.Of(StatusCodes.Status200OK, await report.ReadAsync(), ApiJson.Default.ShowRedisResponse);
}

/// <summary>How long Redis takes to answer, this connection included.</summary>
/// <param name="P50Milliseconds">The median time of a ping.</param>
/// <param name="MaxMilliseconds">The slowest of them.</param>
public sealed record RedisLatency(double P50Milliseconds, double MaxMilliseconds);

/// <summary>What Redis keeps in memory.</summary>
/// <param name="UsedBytes">In use now.</param>
/// <param name="PeakBytes">The most it was since the start.</param>
/// <param name="MaxBytes">Where it is full; 0 for no limit.</param>
/// <param name="Policy">What it does when it is full: it must be noeviction, to refuse writes.</param>
/// <param name="EvictedKeys">Keys that it has evicted to make room.</param>
public sealed record RedisMemory(long UsedBytes, long PeakBytes, long MaxBytes, string Policy, long EvictedKeys);

/// <summary>How the data of Redis survives a restart.</summary>
/// <param name="Aof">Whether it writes an append-only file.</param>
/// <param name="Fsync">
/// When that file reaches the disk: no (the kernel decides), everysec or always. Absent where CONFIG is forbidden.
/// </param>
/// <param name="MayLose">What may be lost when Redis dies, in words. Absent where it isn't known.</param>
/// <param name="LastWrite">How the last write of the file went: ok or err.</param>
/// <param name="LastRewrite">How its last rewriting went: ok or err.</param>
/// <param name="DelayedFsyncs">How often writing waited for a slow disk.</param>
public sealed record RedisPersistence(
    bool Aof, string? Fsync, string? MayLose, string? LastWrite, string? LastRewrite, long DelayedFsyncs);

/// <summary>The role of Redis in replication.</summary>
/// <param name="Role">master or slave, in Redis' words.</param>
/// <param name="Replicas">Connected replicas.</param>
public sealed record RedisReplication(string Role, int Replicas);

/// <summary>A command that took long.</summary>
/// <param name="At">When it began, UTC.</param>
/// <param name="Microseconds">How long it took.</param>
/// <param name="Command">
/// Its name, and for a script of ours the script's. Never its arguments: they name customers.
/// </param>
public sealed record SlowCommand(DateTime At, long Microseconds, string Command);
