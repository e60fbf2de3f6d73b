using Inventory.Identity;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/redis: how Redis is, asked now.</summary>
public static class ShowRedis
{
    /// <summary>How Redis is. Without a connection there is nothing but that, and why.</summary>
    public sealed record Response
    {
        /// <summary>Whether it answered.</summary>
        public required bool Connected { get; init; }

        /// <summary>Why it didn't, for people.</summary>
        public string? Reason { get; init; }

        /// <summary>What an operator should mend; empty when all is as it must be.</summary>
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

        /// <summary>How it outlives a restart.</summary>
        public RedisPersistence? Persistence { get; init; }

        /// <summary>Whom it follows, and who follows it.</summary>
        public RedisReplication? Replication { get; init; }

        /// <summary>The latest commands that took long, newest first.</summary>
        public IReadOnlyList<SlowCommand>? SlowLog { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/operations/redis", Handle)
        .WithName(nameof(ShowRedis))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Look at Redis")
        .WithDescription("Asked now, and answered within two seconds even when Redis is away or frozen: connected is "
            + "false then, and the status is 200, because the question has been answered.")
        .Answers<Response>(StatusCodes.Status200OK, "How Redis is.")
        .Refuses();

    internal static async Task<IResult> Handle(RedisReport report) =>
        JsonAnswer.Of(StatusCodes.Status200OK, await report.ReadAsync(), ApiJson.Default.ShowRedisResponse);
}

/// <summary>How long Redis takes to answer, this connection included.</summary>
/// <param name="P50Milliseconds">Half of the pings were at most this long on their way.</param>
/// <param name="MaxMilliseconds">The slowest of them.</param>
public sealed record RedisLatency(double P50Milliseconds, double MaxMilliseconds);

/// <summary>What Redis keeps in memory.</summary>
/// <param name="UsedBytes">In use now.</param>
/// <param name="PeakBytes">The most it was since the start.</param>
/// <param name="MaxBytes">Where it refuses writes; 0 for no limit.</param>
/// <param name="Policy">What it does there: it must be noeviction.</param>
/// <param name="EvictedKeys">Keys that it has thrown away to make room.</param>
public sealed record RedisMemory(long UsedBytes, long PeakBytes, long MaxBytes, string Policy, long EvictedKeys);

/// <summary>How Redis outlives a restart.</summary>
/// <param name="Aof">Whether it writes an append-only file.</param>
/// <param name="Fsync">
/// When that reaches the disk: no (when the kernel likes), everysec or always. Absent where CONFIG is forbidden.
/// </param>
/// <param name="MayLose">What that may lose when Redis dies, in words. Absent where it isn't known.</param>
/// <param name="LastWrite">How the last write of the file went: ok or err.</param>
/// <param name="LastRewrite">How its last rewriting went: ok or err.</param>
/// <param name="DelayedFsyncs">How often writing waited for a slow disk.</param>
public sealed record RedisPersistence(
    bool Aof, string? Fsync, string? MayLose, string? LastWrite, string? LastRewrite, long DelayedFsyncs);

/// <summary>Whom Redis follows, and who follows it.</summary>
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
