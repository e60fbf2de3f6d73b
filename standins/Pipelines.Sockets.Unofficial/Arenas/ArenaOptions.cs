namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>How an arena treats the memory it hands out.</summary>
[Flags]
public enum ArenaFlags
{
    /// <summary>Elements are cleared at a reset only when they hold references.</summary>
    None = 0,

    /// <summary>Elements are cleared at every reset.</summary>
    ClearAtReset = 1,
}

/// <summary>The settings of an <see cref="Arena{T}"/>.</summary>
public sealed class ArenaOptions
{
    // Below the large object heap's 85,000 bytes even after the pool has rounded the block up to a power of two.
    private const int DefaultBlockBytes = 32 * 1024;

    private static readonly Func<long, long, long> Decay =
        static (retained, used) => Math.Max(used, retained - (retained / 4) - 1);

    /// <summary>Collects the settings.</summary>
    /// <param name="flags">How memory is treated.</param>
    /// <param name="blockSizeBytes">Least size of a block in bytes; 0 chooses 32 KiB.</param>
    /// <param name="retentionPolicy">
    /// Called at a reset of an arena of several blocks with the number of elements kept so far and the number used
    /// since the last reset; returns how many to keep. Null keeps the peak and lets it decay by a quarter a reset.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The block size is negative.</exception>
    public ArenaOptions(
        ArenaFlags flags = ArenaFlags.None,
        int blockSizeBytes = 0,
        Func<long, long, long>? retentionPolicy = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blockSizeBytes);
        Flags = flags;
        BlockSizeBytes = blockSizeBytes == 0 ? DefaultBlockBytes : blockSizeBytes;
        RetentionPolicy = retentionPolicy ?? Decay;
    }

    internal static ArenaOptions Default { get; } = new();

    internal ArenaFlags Flags { get; }

    internal int BlockSizeBytes { get; }

    internal Func<long, long, long> RetentionPolicy { get; }
}
