using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker.Retention;

/// <summary>Keeps deleted rows as files: a table's rows of one day, a JSON object a line, compressed by gzip.</summary>
public sealed class Archive(IOptions<RetentionOptions> options)
{
    /// <summary>The end of the name of a file that isn't complete.</summary>
    internal const string Unfinished = ".unfinished";

    private string Folder => options.Value.ArchiveFolder;

    /// <summary>Whether rows are archived.</summary>
    public bool IsUsed => Folder.Length > 0;

    /// <summary>Removes what crashes have left. The rows of such a file were not deleted.</summary>
    /// <exception cref="IOException">The folder is missing, or can't be used.</exception>
    public void RemoveUnfinished()
    {
        if (!IsUsed) return;
        foreach (var path in Directory.EnumerateFiles(Folder, "*" + Unfinished)) File.Delete(path);
    }

    /// <summary>Begins a file.</summary>
    /// <param name="table">The table of the rows.</param>
    /// <param name="day">A time of their day, UTC.</param>
    /// <exception cref="IOException">The folder is missing, or can't be used.</exception>
    public ArchiveFile Begin(string table, DateTime day) => new(Folder, $"{table}-{day:yyyy-MM-dd}");
}

/// <summary>A file that has no name until it is complete and on the disk.</summary>
public sealed partial class ArchiveFile : IDisposable
{
    private readonly string folder;
    private readonly string name;
    private readonly string unfinished;
    private readonly FileStream file;
    private readonly GZipStream packed;
    private readonly StreamWriter writer;
    private bool isComplete;

    internal ArchiveFile(string folder, string name)
    {
        // A process that was suspended and has lost the leadership may still write to its own file.
        (this.folder, this.name) = (folder, name);
        unfinished = Path.Combine(folder, $"{name}.{Guid.NewGuid():N}{Archive.Unfinished}");
        file = new(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        packed = new(file, CompressionLevel.Optimal, leaveOpen: true);
        writer = new(packed, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
    }

    /// <summary>Adds a row.</summary>
    public Task WriteAsync(string json, CancellationToken cancellation) =>
        writer.WriteAsync($"{json}\n".AsMemory(), cancellation);

    /// <summary>Gives the file its name, after all of it is on the disk. Never replaces another file.</summary>
    /// <exception cref="IOException">It isn't on the disk; rows must not be deleted.</exception>
    public async Task CompleteAsync()
    {
        await writer.DisposeAsync();
        await packed.DisposeAsync();
        file.Flush(flushToDisk: true);
        await file.DisposeAsync();
        File.Move(unfinished, FreePath(), overwrite: false);
        isComplete = true;
        SyncFolder();
    }

    /// <summary>Removes the file, unless it is complete.</summary>
    public void Dispose()
    {
        if (isComplete) return;
        try
        {
            file.Dispose();
            File.Delete(unfinished);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next pass removes it. The failure that led here is reported.
        }
    }

    /// <summary>A day has further files when rows were left over by an earlier one.</summary>
    private string FreePath()
    {
        for (var number = 1; ; number++)
        {
            var path = Path.Combine(folder, number == 1 ? $"{name}.ndjson.gz" : $"{name}.{number}.ndjson.gz");
            if (!File.Exists(path)) return path;
        }
    }

    /// <summary>A new name is on the disk only when its folder is.</summary>
    private void SyncFolder()
    {
        if (OperatingSystem.IsWindows()) return;
        var handle = open(folder, 0);
        if (handle < 0) throw new IOException($"{folder} can't be opened: error {Marshal.GetLastPInvokeError()}.");
        try
        {
            if (fsync(handle) != 0)
            {
                throw new IOException($"{folder} is not on the disk: error {Marshal.GetLastPInvokeError()}.");
            }
        }
        finally
        {
            _ = close(handle);
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int fsync(int handle);

    [DllImport("libc")]
    private static extern int close(int handle);
}
