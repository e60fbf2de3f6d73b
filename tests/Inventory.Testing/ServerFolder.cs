namespace Inventory.Testing;

/// <summary>
/// The folder of one server's data in the system's temporary folder. Dispose deletes it.
/// </summary>
/// <remarks>
/// A folder belongs to a running test run exactly while its lock file is locked. The operating system releases the lock
/// of a killed run, and the next run that starts a server deletes the folder.
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

    /// <summary>Creates a folder, and deletes those of killed runs.</summary>
    public static ServerFolder Create()
    {
        DeleteAbandoned();
        var folder = Directory.CreateTempSubdirectory(Prefix).FullName;
        if (OperatingSystem.IsLinux())
        {
            // The server may run under another account and has to reach its data.
            File.SetUnixFileMode(folder, (UnixFileMode)Convert.ToInt32("711", 8));
        }

        return new ServerFolder(folder);
    }

    /// <remarks>Deletes the lock file last: if this run is killed meanwhile, the next one can clean up.</remarks>
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
                // Do not delete a folder in use, just being created by another run, or of another user.
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
            // Another run deletes the abandoned folder at the same moment.
        }
    }
}
