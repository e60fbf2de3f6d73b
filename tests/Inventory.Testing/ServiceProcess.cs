namespace Inventory.Testing;

/// <summary>
/// One of the services as it is shipped, in a process that a test may kill. It ends with this object, and with the test
/// run when that is killed.
/// </summary>
/// <remarks>
/// A test project names the service as a <c>ProjectReference</c> with <c>ReferenceOutputAssembly="false"</c>: built,
/// and run from where it was built.
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
    /// <exception cref="InvalidOperationException">It doesn't start; the message holds what it wrote.</exception>
    public static Task<ServiceProcess> StartAsync(string project, params (string Name, string Value)[] settings) =>
        StartFromAsync(FolderOf(project), project, settings);

    /// <summary>Where a service was built.</summary>
    public static string FolderOf(string project)
    {
        var own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return Path.GetFullPath(Path.Combine(own, "..", "..", project, Path.GetFileName(own)));
    }

    /// <summary>As <see cref="StartAsync"/>, from a copy of the folder in which it was built.</summary>
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
                // The services leave out that they listen; here it tells the port.
                ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information"),
                .. settings.Select(each => (each.Name.Replace(":", "__", StringComparison.Ordinal), each.Value)),
            ]));
    }

    /// <summary>Whether it has ended, by whatever.</summary>
    public bool HasExited => process.HasExited;

    /// <summary>What it ended with, once it has: 0 when it stopped because it was told to.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>Kills it with SIGKILL, and waits until it is gone.</summary>
    public Task KillAsync() => process.EndAsync(Signals.Kill, KillPatience);

    /// <summary>Tells it to stop (SIGTERM), as platforms do, and waits until it is gone.</summary>
    public Task TerminateAsync() => process.EndAsync(Signals.Terminate, StartPatience);

    /// <summary>Freezes it (SIGSTOP): it keeps its connections and does nothing.</summary>
    public void Freeze() => process.Send(Signals.Stop);

    /// <summary>Ends <see cref="Freeze"/> (SIGCONT).</summary>
    public void Thaw() => process.Send(Signals.Continue);

    /// <summary>The last that it said: what a failing test wants to show.</summary>
    public override string ToString() => process.Output;

    /// <summary>What it wrote of requests that ended with an exception which nothing explains.</summary>
    public IReadOnlyList<string> Bugs => process.Bugs;

    /// <summary>Kills it if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await process.DisposeAsync();
    }
}
