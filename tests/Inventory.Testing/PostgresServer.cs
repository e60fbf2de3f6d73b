using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;

namespace Inventory.Testing;

/// <summary>
/// A PostgreSQL server for one test run: an empty cluster in a temporary folder, on a free loopback port, with
/// <c>wal_level=logical</c>. It ends with this object, and with the test run when that is killed.
/// </summary>
/// <remarks>
/// Needs PostgreSQL's <c>initdb</c> and <c>postgres</c> installed. PostgreSQL refuses to run as root; a root user's
/// server runs under the account <c>postgres</c>.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private const int StartAttempts = 5;
    private const string Account = "postgres";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    // Creating a cluster takes seconds of processor time, copying one a fraction. A test run creates one and copies it.
    private static readonly Lazy<Task<(string Data, string Password)>> Blank = new(MakeBlankAsync);

    private readonly ServerFolder folder;
    private readonly string password;
    private readonly string[] settings;
    private ServerProcess? process;

    private PostgresServer(ServerFolder folder, string password, string[] settings)
    {
        this.folder = folder;
        this.password = password;
        this.settings = settings;
    }

    /// <summary>The loopback port. It stays the same over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>How to connect as superuser to the database <c>postgres</c>.</summary>
    public string ConnectionString => ConnectionStringFor("postgres");

    /// <summary>Makes a cluster and starts its server.</summary>
    /// <param name="settings">Further settings of postgresql.conf, each as <c>name=value</c>.</param>
    /// <exception cref="InvalidOperationException">The server doesn't start; the message has its output.</exception>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var folder = ServerFolder.Create();
        try
        {
            var (blank, password) = await Blank.Value;
            await RunAsync("cp", "-a", "--reflink=auto", blank + "/.", folder.Data);
            var server = new PostgresServer(folder, password, settings);
            await server.LaunchOnFreePortAsync();
            return server;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Creates an empty database with a random name, and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"test_{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await create.ExecuteNonQueryAsync();
        return ConnectionStringFor(name);
    }

    /// <summary>How to connect as superuser to the named database.</summary>
    public string ConnectionStringFor(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = Account,
        Password = password,
        Database = database,
        IncludeErrorDetail = true,
        // Npgsql pools connections by connection string. A later server may get the port of an ended one; with this
        // name it doesn't get the pooled connections of that server.
        ApplicationName = Path.GetFileName(Path.GetDirectoryName(folder.Data)),
    }.ConnectionString;

    /// <summary>Kills the server with SIGKILL, as a crash would, and waits until its children are gone too.</summary>
    public Task KillAsync() => Running.EndAsync(Signals.Kill, StopPatience);

    /// <summary>Shuts the server down gracefully (SIGINT): it ends sessions and writes its data.</summary>
    public Task StopAsync() => Running.EndAsync(Signals.Interrupt, StopPatience);

    /// <summary>Starts a killed or stopped server again: same port, same data, after crash recovery.</summary>
    public async Task RestartAsync()
    {
        if (!Running.HasExited)
        {
            await StopAsync();
        }

        await Running.DisposeAsync();
        process = await LaunchAsync();
    }

    /// <summary>Freezes the server's main process (SIGSTOP): new sessions get no answer, open ones go on.</summary>
    public void Freeze() => Running.Send(Signals.Stop);

    /// <summary>Ends <see cref="Freeze"/> (SIGCONT).</summary>
    public void Thaw() => Running.Send(Signals.Continue);

    /// <summary>Ends the server and deletes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            try
            {
                Thaw();
                await process.EndAsync(Signals.Interrupt, StopPatience);
            }
            catch (TimeoutException)
            {
                // A graceful shutdown would wait for ever for a replication client that doesn't read.
                process.Send(Signals.Quit);
            }

            await process.DisposeAsync();
        }

        folder.Dispose();
    }

    private ServerProcess Running =>
        process ?? throw new InvalidOperationException("The PostgreSQL server was never started.");

    private static async Task<(string Data, string Password)> MakeBlankAsync()
    {
        var folder = ServerFolder.Create();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        var password = RandomNumberGenerator.GetHexString(32);
        var passwordFile = Path.Combine(Path.GetDirectoryName(folder.Data)!, "password");
        await File.WriteAllTextAsync(passwordFile, password);
        if (OtherAccount is not null)
        {
            await RunAsync("chown", $"{Account}:", folder.Data, passwordFile);
        }

        await RunAsync([
            .. OtherAccount is null ? Array.Empty<string>() : ["runuser", "-u", OtherAccount, "--"],
            Executable("initdb"), "--pgdata", folder.Data, "--username", Account,
            "--pwfile", passwordFile, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ]);
        return (folder.Data, password);
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

    private Task<ServerProcess> LaunchAsync()
    {
        // Without fsync: it protects against a crash of the machine only; written data survives a killed process.
        string[] all =
        [
            "wal_level=logical", "fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=",
            $"port={Port}", .. settings,
        ];
        // SIGQUIT is PostgreSQL's immediate shutdown, which also ends the server's children.
        return ServerProcess.StartAsync(
            [
                Executable("postgres"), "-D", folder.Data, .. all.SelectMany(setting => new[] { "-c", setting }),
            ],
            OtherAccount,
            Signals.Quit,
            StartPatience);
    }

    private static string? OtherAccount =>
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess ? Account : null;

    /// <summary>On Debian the executables are not in PATH but in a folder for each version; uses the newest.</summary>
    private static string Executable(string name)
    {
        const string Versions = "/usr/lib/postgresql";
        var newest = !Directory.Exists(Versions) ? null : Directory.EnumerateDirectories(Versions)
            .Where(version => File.Exists(Path.Combine(version, "bin", name)))
            .MaxBy(version => int.TryParse(Path.GetFileName(version), out var number) ? number : 0);
        return newest is null ? name : Path.Combine(newest, "bin", name);
    }

    private static async Task RunAsync(params string[] command)
    {
        using var run = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = run.StandardOutput.ReadToEndAsync();
        var errors = run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        if (run.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{string.Join(' ', command)} failed:\n{string.Concat(await Task.WhenAll(output, errors))}");
        }
    }
}
