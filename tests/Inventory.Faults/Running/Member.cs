using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>
/// One service of the installation with its supervisor, which restarts it on its old port when it ends, as the AppHost
/// or any orchestrator does.
/// </summary>
public sealed class Member : IAsyncDisposable
{
    private const int MostNoted = 5;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private readonly Func<Task<ServiceProcess>> start;
    private readonly CancellationTokenSource stopping = new();
    private readonly List<string> lastWords = [];
    private ServiceProcess process;
    private Task watching = Task.CompletedTask;
    private volatile bool isDown;

    private Member(string name, Func<Task<ServiceProcess>> start, ServiceProcess process) =>
        (Name, this.start, this.process) = (name, start, process);

    /// <summary>The name of the service.</summary>
    public string Name { get; }

    /// <summary>
    /// The output of the service when it crashed or failed to start, and its log lines of requests that got a 500.
    /// </summary>
    public IReadOnlyList<string> LastWords => [.. lastWords, .. process.Bugs.Select(bug => $"{Name}: {bug}")];

    /// <summary>Its recent output.</summary>
    public string Output => process.ToString();

    /// <summary>Starts a service and its supervisor.</summary>
    public static async Task<Member> StartAsync(string name, Func<Task<ServiceProcess>> start)
    {
        var member = new Member(name, start, await start());
        member.watching = member.WatchAsync();
        return member;
    }

    /// <summary>Kills the service with SIGKILL; it is restarted after <see cref="Revive"/>.</summary>
    public Task KillAsync()
    {
        isDown = true;
        return process.HasExited ? Task.CompletedTask : Waiting.UntilDoneAsync(process.KillAsync);
    }

    /// <summary>Lets the supervisor restart the service.</summary>
    public void Revive() => isDown = false;

    /// <summary>Freezes the service with SIGSTOP.</summary>
    public void Freeze() => process.Freeze();

    /// <summary>Ends <see cref="Freeze"/>.</summary>
    public void Thaw() => process.Thaw();

    /// <summary>Whether its health endpoint reports success.</summary>
    public async Task<bool> IsHealthyAsync()
    {
        try
        {
            using var health = await process.Http.GetAsync(new Uri("/health", UriKind.Relative));
            return health.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Stops the supervisor and the service.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await watching;
        await process.DisposeAsync();
        stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(Look, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited || isDown) continue;
            // Only a crash writes this; a killed service writes nothing at its end.
            if (process.ToString().Contains("Unhandled exception", StringComparison.Ordinal)) Note(Output);
            await RestartAsync();
        }
    }

    private void Note(string words)
    {
        if (lastWords.Count < MostNoted) lastWords.Add($"{Name}: {words}");
    }

    private async Task RestartAsync()
    {
        while (!stopping.IsCancellationRequested && !isDown)
        {
            try
            {
                var next = await start();
                var ended = process;
                process = next;
                foreach (var bug in ended.Bugs) Note(bug);
                await ended.DisposeAsync();
                return;
            }
            catch (InvalidOperationException e)
            {
                // The service ended or hung while it started; try again until it runs.
                Note(e.Message);
            }
        }
    }
}
