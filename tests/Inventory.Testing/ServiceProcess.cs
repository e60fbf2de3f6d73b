namespace Inventory.Testing;

/// <summary>
/// A service as built for release, in a process that a test may kill. It ends with this object, and with the test run
/// when that is killed.
/// </summary>
/// <remarks>
/// A test project references the service with <c>ReferenceOutputAssembly="false"</c>: the build builds it, and it runs
/// from its output folder.
/// </remarks>
public sealed class ServiceProcess : IAsyncDisposable
{
    private const string Sign = "Now listening on: ";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(10);
    private readonly ServerProcess process;

    private ServiceProcess(ServerProcess process)
    {
        this.process = process;
        var line = process.ReadyLine;
        Http = new() { BaseAddress = new(line[(line.IndexOf(Sign, StringComparison.Ordinal) + Sign.Length)..].Trim()) };
    }

    /// <summary>A client of its HTTP interface.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts a service on a free loopback port, and waits until it listens.</summary>
    /// <param name="project">The project's name.</param>
    /// <param name="settings">Its configuration, with colons between the parts of a name.</param>
    /// <exception cref="InvalidOperationException">The service doesn't start; the message has its output.</exception>
    public static Task<ServiceProcess> StartAsync(string project, params (string Name, string Value)[] settings) =>
        StartFromAsync(FolderOf(project), project, settings);

    /// <summary>The output folder of a service.</summary>
    public static string FolderOf(string project)
    {
        var own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return Path.GetFullPath(Path.Combine(own, "..", "..", project, Path.GetFileName(own)));
    }

    /// <summary>Like <see cref="StartAsync"/>, but from a copy of the output folder.</summary>
    public static async Task<ServiceProcess> StartFromAsync(
        string folder, string project, params (string Name, string Value)[] settings)
    {
        return new(await ServerProcess.StartAsync(
            ["dotnet", Path.Combine(folder, $"{project}.dll")],
            account: null,
            Signals.Kill,
            StartPatience,
            Sign,
            [
                ("ASPNETCORE_CONTENTROOT", folder),
                ("ASPNETCORE_URLS", "http://127.0.0.1:0"),
                // The services turn this log line off; the harness reads the port from it.
                ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information"),
                .. settings.Select(each => (each.Name.Replace(":", "__", StringComparison.Ordinal), each.Value)),
            ]));
    }

    /// <summary>Whether the process has ended, for any reason.</summary>
    public bool HasExited => process.HasExited;

    /// <summary>The exit code, once the process has ended; 0 after a graceful stop.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>Kills the service with SIGKILL, and waits until it has ended.</summary>
    public Task KillAsync() => process.EndAsync(Signals.Kill, KillPatience);

    /// <summary>Stops the service (SIGTERM), as platforms do, and waits until it has ended.</summary>
    public Task TerminateAsync() => process.EndAsync(Signals.Terminate, StartPatience);

    /// <summary>Freezes the service (SIGSTOP): it keeps its connections and does nothing.</summary>
    public void Freeze() => process.Send(Signals.Stop);

    /// <summary>Ends <see cref="Freeze"/> (SIGCONT).</summary>
    public void Thaw() => process.Send(Signals.Continue);

    /// <summary>The last output, for the message of a failing test.</summary>
    public override string ToString() => process.Output;

    /// <summary>The log lines of requests with an unhandled exception.</summary>
    public IReadOnlyList<string> Bugs => process.Bugs;

    /// <summary>Kills the service if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await process.DisposeAsync();
    }
}
