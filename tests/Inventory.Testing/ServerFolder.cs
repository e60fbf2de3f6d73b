namespace Inventory.Testing;

/// <summary>
/// The folder of one server's data, in the system's temporary folder, gone when disposed of.
/// </summary>
/// <remarks>
/// A folder belongs to a living test run exactly while its lock file is locked. The operating system lifts the lock
/// of a run that was killed, and the next run that starts a server deletes what is left.
/// </remarks>
public sealed class ServerFolder : IDisposable
{
    private const string Prefix = "inventory-server-";
    private const string LockName = "owner.lock";
    private const string DataName = "data";

    private readonly string path;
    private readonly FileStream ownership;

    private ServerFolder(string path)
    {
        this.path = path;
        ownership = Lock(Path.Combine(path, LockName), FileMode.CreateNew);
        Data = Directory.CreateDirectory(Path.Combine(path, DataName)).FullName;
    }

    /// <summary>An empty folder for the server.</summary>
    public string Data { get; }

    /// <summary>Makes a folder, and deletes those of runs that were killed.</summary>
    public static ServerFolder Create()
    {
        DeleteAbandoned();
        var folder = Directory.CreateTempSubdirectory(Prefix).FullName;
        if (OperatingSystem.IsLinux())
        {
            // The server may run under another account, and has to get through to its data.
            File.SetUnixFileMode(folder, (UnixFileMode)Convert.ToInt32("711", 8));
        }

        return new ServerFolder(folder);
    }

    /// <remarks>The lock file goes last: a run that is killed meanwhile leaves what the next one finds.</remarks>
    public void Dispose()
    {
        Delete(Data);
        ownership.Dispose();
        Delete(path);
    }

    private static void DeleteAbandoned()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            try
            {
                using (Lock(Path.Combine(folder, LockName), FileMode.Open))
                {
                    Delete(Path.Combine(folder, DataName));
                    Delete(folder);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // In use, just being made by another run, or another user's: none of them is ours to delete.
            }
        }
    }

    private static FileStream Lock(string file, FileMode mode) =>
        new(file, mode, FileAccess.ReadWrite, FileShare.None);

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another run found it abandoned at the same moment.
        }
    }
}
