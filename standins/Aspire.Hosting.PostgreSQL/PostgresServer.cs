using System.Globalization;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>
/// Starts postgres. It refuses to run as root, so root gives it the account that its package made; the data folder then
/// belongs to that account.
/// </summary>
internal static class PostgresServer
{
    private const string Account = "postgres";

    /// <summary>Throws when a program it needs is missing.</summary>
    /// <exception cref="DistributedApplicationException">It is not installed, or root lacks the account.</exception>
    public static void Check()
    {
        _ = Program("postgres");
        _ = Program("initdb");
        if (Signals.IsRoot)
        {
            _ = Programs.Find("setpriv", "it is part of util-linux");
            if (!File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{Account}:", StringComparison.Ordinal)))
            {
                throw new DistributedApplicationException(
                    $"postgres refuses to run as root, and there is no account '{Account}' that it could run under.");
            }
        }
    }

    /// <summary>Plans one start, and makes the data folder before the first.</summary>
    public static async Task<ProcessPlan> PlanAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var server = (PostgresServerResource)context.Resource;
        var folder = context.Services.GetRequiredService<DataFolders>().For(server);
        var data = Path.Combine(folder, "data");
        if (!Directory.Exists(data))
        {
            await InitialiseAsync(server, folder, data, cancellationToken).ConfigureAwait(false);
        }

        CheckVersion(data);
        string[] arguments =
        [
            "-D", data,
            "-c", string.Create(CultureInfo.InvariantCulture, $"port={server.PrimaryEndpoint.Port}"),
            "-c", "listen_addresses=localhost",
            // Its folder would have to be chosen and cleaned up; nobody here connects that way.
            "-c", "unix_socket_directories=",
            "-c", "log_min_messages=warning",
            .. context.Arguments,
        ];
        return new ProcessPlan(Program("postgres"), arguments, folder)
        {
            Environment = context.Environment,
            Account = Signals.IsRoot ? Account : null,
            // Fast shutdown: clients are disconnected, and the data needs no recovery at the next start.
            StopSignal = Signal.Interrupt,
            // Immediate shutdown: SIGKILL would leave the server's own children to find out by themselves.
            DeathSignal = Signal.Quit,
            Output = () => new PostgresOutputReader(),
        };
    }

    private static async Task InitialiseAsync(
        PostgresServerResource server, string folder, string data, CancellationToken cancellationToken)
    {
        // Made beside its place and moved there whole: an interrupted first start leaves nothing that looks like data.
        var unfinished = Path.Combine(folder, $"data-{Guid.NewGuid():N}");
        Directory.CreateDirectory(unfinished);
        File.SetUnixFileMode(
            unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var passwordFile = $"{unfinished}.password";
        var password = await server.PasswordParameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
        DataFolders.WriteSecret(passwordFile, password!);
        try
        {
            if (Signals.IsRoot)
            {
                string[] owner = [$"{Account}:", unfinished, passwordFile];
                await RunAsync(new ProcessPlan(Programs.Find("chown", null), owner, folder)).ConfigureAwait(false);
            }

            var user = await server.UserNameReference.GetValueAsync(cancellationToken).ConfigureAwait(false);
            string[] arguments =
            [
                "-D", unfinished, "-U", user!, "--pwfile", passwordFile,
                "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale",
            ];
            await RunAsync(new ProcessPlan(Program("initdb"), arguments, folder)
            {
                Account = Signals.IsRoot ? Account : null,
            }).ConfigureAwait(false);
            Directory.Move(unfinished, data);
        }
        finally
        {
            File.Delete(passwordFile);
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true);
            }
        }
    }

    private static async Task RunAsync(ProcessPlan plan)
    {
        List<string> errors = [];
        var process = await ChildProcess.StartAsync(plan, (line, isError) =>
        {
            if (isError)
            {
                lock (errors)
                {
                    errors.Add(line);
                }
            }
        }).ConfigureAwait(false);
        var code = await process.Exited.ConfigureAwait(false);
        if (code != 0)
        {
            var name = Path.GetFileName(plan.FileName);
            throw new DistributedApplicationException(
                $"{name} ended with code {code}: {string.Join(' ', errors.TakeLast(3))}");
        }
    }

    private static void CheckVersion(string data)
    {
        // As root this can be read; an account of its own made it, so that can read it too.
        var made = File.ReadAllText(Path.Combine(data, "PG_VERSION")).Trim();
        var installed = MajorOf(Program("postgres"));
        if (installed is not null && installed != made)
        {
            throw new DistributedApplicationException(
                $"{data} was made by PostgreSQL {made}, and {installed} is installed: "
                + "upgrade it with pg_upgrade, or move it away.");
        }
    }

    // Debian keeps every major version in a folder of its name; elsewhere the server itself refuses the data.
    private static string? MajorOf(string program) =>
        Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(program))) is { Length: > 0 } folder
            && folder.All(char.IsAsciiDigit) ? folder : null;

    private static string Program(string name)
    {
        var debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(folder => (
                Version: int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var v) ? v : 0,
                File: Path.Combine(folder, "bin", name)))
            : [];
        var found = Programs.TryFind(name)
            ?? debian.Where(p => File.Exists(p.File)).MaxBy(p => p.Version).File
            ?? throw new DistributedApplicationException(
                $"{name} not found: install it, for instance with: sudo apt-get install postgresql");
        return File.ResolveLinkTarget(found, returnFinalTarget: true)?.FullName ?? found;
    }
}

/// <summary>Reads the log of PostgreSQL, whose entries are a line with a level and lines that explain it.</summary>
internal sealed class PostgresOutputReader : OutputReader
{
    private LogLevel entry = LogLevel.Debug;

    public override LogLevel LevelOf(string line)
    {
        var level = Word(line);
        entry = level switch
        {
            "LOG" or "INFO" or "NOTICE" => LogLevel.Debug,
            "WARNING" => LogLevel.Warning,
            // What a statement does wrong is told to the client, whose own log says it with its context.
            "ERROR" => LogLevel.Debug,
            "FATAL" or "PANIC" => IsRoutine(line) ? LogLevel.Debug : LogLevel.Error,
            _ => entry,
        };
        return entry;
    }

    // A health check that comes while the server starts, and clients that are sent away when it stops.
    private static bool IsRoutine(string line) =>
        line.Contains("the database system is", StringComparison.Ordinal)
        || line.Contains("terminating connection due to", StringComparison.Ordinal)
        || line.Contains("terminating background worker", StringComparison.Ordinal);

    private static string? Word(string line) => line.IndexOf(":  ", StringComparison.Ordinal) is > 0 and var end
        ? line[..end].Split(' ')[^1]
        : null;
}
