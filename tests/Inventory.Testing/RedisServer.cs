using System.Security.Cryptography;

namespace Inventory.Testing;

/// <summary>How Redis keeps its data over a restart.</summary>
public enum RedisPersistence
{
    /// <summary>No persistence: a restarted server is empty.</summary>
    None,

    /// <summary>
    /// Append-only file, written before each answer; the kernel decides when to sync. The product's default.
    /// Acknowledged writes survive a killed process.
    /// </summary>
    Written,

    /// <summary>
    /// Append-only file, synced every second. While a sync runs, Redis answers but delays writing for up to 2 seconds;
    /// a kill loses those writes.
    /// </summary>
    EverySecond,

    /// <summary>Append-only file, synced before each answer.</summary>
    Always,
}

/// <summary>
/// A Redis server for one test run, with an empty temporary folder, on a free loopback port. It ends with this object,
/// and with the test run when that is killed.
/// </summary>
/// <remarks>Needs <c>redis-server</c> in PATH. It never evicts and never saves snapshots.</remarks>
public sealed class RedisServer : IAsyncDisposable
{
    private const int StartAttempts = 5;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly ServerFolder folder;
    private readonly RedisPersistence persistence;
    private readonly string[] settings;
    private ServerProcess? process;

    private RedisServer(ServerFolder folder, RedisPersistence persistence, bool protect, string[] settings)
    {
        this.folder = folder;
        this.persistence = persistence;
        this.settings = settings;
        Password = protect ? RandomNumberGenerator.GetHexString(32) : null;
    }

    /// <summary>The loopback port. It stays the same over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>The server's password, or null when it has none.</summary>
    public string? Password { get; }

    /// <summary>The connection string: <c>127.0.0.1:port[,password=…]</c>.</summary>
    public string ConnectionString =>
        Password is null ? $"127.0.0.1:{Port}" : $"127.0.0.1:{Port},password={Password}";

    /// <summary>
    /// <see cref="ConnectionString"/> for tests that flush, configure or pause the server, which the client refuses on
    /// other connections. The product never connects like this.
    /// </summary>
    public string AdminConnectionString => ConnectionString + ",allowAdmin=true";

    /// <summary>Starts an empty server.</summary>
    /// <param name="persistence">How the server keeps its data over a restart.</param>
    /// <param name="password">Whether clients need a password; the server gets a random one.</param>
    /// <param name="settings">Further lines of redis.conf, such as <c>replicaof 127.0.0.1 6379</c>.</param>
    /// <exception cref="InvalidOperationException">The server doesn't start; the message has its output.</exception>
    public static async Task<RedisServer> StartAsync(
        RedisPersistence persistence = RedisPersistence.None, bool password = false, params string[] settings)
    {
        var folder = ServerFolder.Create();
        try
        {
            var server = new RedisServer(folder, persistence, password, settings);
            await server.LaunchOnFreePortAsync();
            return server;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Kills the server with SIGKILL, as a crash would, and waits until it is gone.</summary>
    public Task KillAsync() => Running.EndAsync(Signals.Kill, StopPatience);

    /// <summary>Shuts the server down gracefully (SIGTERM): it syncs the append-only file first.</summary>
    public Task StopAsync() => Running.EndAsync(Signals.Terminate, StopPatience);

    /// <summary>Starts a killed or stopped server again with the same port, password and persisted data.</summary>
    public async Task RestartAsync()
    {
        if (!Running.HasExited)
        {
            await StopAsync();
        }

        await Running.DisposeAsync();
        process = await LaunchAsync();
    }

    /// <summary>Deletes the persisted data of a stopped or killed server, as the loss of its disk would.</summary>
    /// <exception cref="InvalidOperationException">The server runs.</exception>
    public void LoseData()
    {
        if (!Running.HasExited)
        {
            throw new InvalidOperationException("A running Redis server keeps its data in memory: kill it first.");
        }

        Directory.Delete(folder.Data, recursive: true);
        Directory.CreateDirectory(folder.Data);
    }

    /// <summary>Copies the persisted data of a stopped or killed server, as a backup does.</summary>
    /// <exception cref="InvalidOperationException">The server runs.</exception>
    public void Backup() => Copy(folder.Data, BackupFolder);

    /// <summary>Replaces the persisted data of a stopped or killed server by <see cref="Backup"/>.</summary>
    /// <exception cref="InvalidOperationException">The server runs.</exception>
    public void PutBackupBack()
    {
        LoseData();
        Copy(BackupFolder, folder.Data);
    }

    /// <summary>Freezes the server (SIGSTOP): it keeps its connections and does not answer.</summary>
    public void Freeze() => Running.Send(Signals.Stop);

    /// <summary>Ends <see cref="Freeze"/> (SIGCONT): the server answers the requests sent meanwhile.</summary>
    public void Thaw() => Running.Send(Signals.Continue);

    /// <summary>Kills the server and deletes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        folder.Dispose();
    }

    private string BackupFolder => Path.Combine(Path.GetDirectoryName(folder.Data)!, "backup");

    private string Fsync => persistence switch
    {
        RedisPersistence.Written => "no",
        RedisPersistence.Always => "always",
        _ => "everysec",
    };

    private ServerProcess Running =>
        process ?? throw new InvalidOperationException("The Redis server was never started.");

    private void Copy(string from, string to)
    {
        if (!Running.HasExited) throw new InvalidOperationException("The files of a running Redis server change.");
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }

    private async Task LaunchOnFreePortAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = Ports.Free();
            try
            {
                process = await LaunchAsync();
                return;
            }
            catch (InvalidOperationException e)
                when (attempt < StartAttempts && e.Message.Contains("already in use", StringComparison.Ordinal))
            {
                // Another process took the port meanwhile.
            }
        }
    }

    private async Task<ServerProcess> LaunchAsync()
    {
        string[] lines =
        [
            "bind 127.0.0.1",
            $"port {Port}",
            $"dir {folder.Data}",
            "daemonize no",
            "save \"\"",
            $"appendonly {(persistence == RedisPersistence.None ? "no" : "yes")}",
            $"appendfsync {Fsync}",
            "maxmemory-policy noeviction",
            .. Password is null ? Array.Empty<string>() : [$"requirepass {Password}"],
            .. settings,
        ];
        // A file and not arguments: every user of the machine can read a process' arguments, such as the password.
        var configuration = Path.Combine(Path.GetDirectoryName(folder.Data)!, "redis.conf");
        await File.WriteAllLinesAsync(configuration, lines);
        return await ServerProcess.StartAsync(
            ["redis-server", configuration], account: null, Signals.Kill, StartPatience);
    }
}
