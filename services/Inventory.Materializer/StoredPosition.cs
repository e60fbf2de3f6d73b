using Inventory.Storage;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>The position up to which one partition's events are stored.</summary>
/// <param name="StreamId">The last stored event.</param>
/// <param name="Epoch">The epoch of Redis' data that it belongs to.</param>
public sealed record StoredPosition(string StreamId, string? Epoch)
{
    /// <summary>
    /// Reads a partition's stored position, null before its first event, and its epoch's number, 0 before the first.
    /// </summary>
    internal static async Task<(StoredPosition? Stored, long Fence)> ReadAsync(
        NpgsqlConnection connection, int partition, CancellationToken cancellation) =>
        (await connection.ReadAsync(
            """
            SELECT coalesce((SELECT epoch FROM fences WHERE partition = $1), 0), position.stream_id, position.epoch
            FROM (SELECT $1 AS partition) asked LEFT JOIN stream_positions position USING (partition)
            """,
            row => (row.IsDBNull(1) ? null : Read(row), row.GetInt64(0)), cancellation, partition)).Single();

    private static StoredPosition Read(NpgsqlDataReader row) =>
        new(row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2));
}
