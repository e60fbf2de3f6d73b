using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>
/// One service of the installation, and whoever looks after it: a service that ends is started again on its old port,
/// as the AppHost or any orchestrator does.
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

    /// <summary>Which it is.</summary>
    public string Name { get; }

    /// <summary>
    /// What it said when it ended although nobody had killed it, or did not start; and of requests that it could only
    /// answer with 500.
    /// </summary>
    public IReadOnlyList<string> LastWords => [.. lastWords, .. process.Bugs.Select(bug => $"{Name}: {bug}")];

    /// <summary>What it said lately.</summary>
    public string Output => process.ToString();

    /// <summary>Starts a service and begins to look after it.</summary>
    public static async Task<Member> StartAsync(string name, Func<Task<ServiceProcess>> start)
    {
        var member = new Member(name, start, await start());
        member.watching = member.WatchAsync();
        return member;
    }

    /// <summary>Kills it with SIGKILL; it comes back after <see cref="Revive"/>.</summary>
    public Task KillAsync()
    {
        isDown = true;
        return process.HasExited ? Task.CompletedTask : Waiting.UntilDoneAsync(process.KillAsync);
    }

    /// <summary>Whoever looks after it may start it again.</summary>
    public void Revive() => isDown = false;

    /// <summary>Stops it with SIGSTOP.</summary>
    public void Freeze() => process.Freeze();

    /// <summary>Ends <see cref="Freeze"/>.</summary>
    public void Thaw() => process.Thaw();

    /// <summary>Whether it says that it is well.</summary>
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

    /// <summary>Ends it, and the looking after it.</summary>
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
            // Killed ones say nothing in the end.
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
                // It ended while it started, or hung: once more, as often as it takes.
                Note(e.Message);
            }
        }
    }
}
