using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>
/// A process that ends with the AppHost, even when the AppHost is killed: setpriv sets the parent-death signal, and
/// exec keeps it. setsid takes the process out of the terminal's group, so that Ctrl+C reaches the AppHost alone, which
/// then stops dependents first.
/// </summary>
internal sealed class ChildProcess
{
    // The kernel sends the death signal when the thread that forked ends, so this one lives as long as the AppHost.
    private static readonly BlockingCollection<Action> Starts = [];

    private static readonly Lazy<Thread> Starter = new(() =>
    {
        var thread = new Thread(() =>
        {
            foreach (var start in Starts.GetConsumingEnumerable())
            {
                start();
            }
        })
        {
            IsBackground = true,
            Name = "process starter",
        };
        thread.Start();
        return thread;
    });

    private readonly Process process;
    private readonly ProcessPlan plan;
    private readonly TaskCompletionSource<int> exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process, ProcessPlan plan) => (this.process, this.plan) = (process, plan);

    /// <summary>The process id, which setsid and setpriv keep.</summary>
    public int Id { get; private set; }

    /// <summary>Completes with the exit code, 128 + n for signal n, after the last line was read.</summary>
    public Task<int> Exited => exited.Task;

    /// <summary>Starts a process.</summary>
    /// <param name="plan">What to start.</param>
    /// <param name="onLine">Called with each line, and whether it came from standard error.</param>
    /// <exception cref="DistributedApplicationException">The program can't be executed.</exception>
    public static async Task<ChildProcess> StartAsync(ProcessPlan plan, Action<string, bool> onLine)
    {
        var child = new ChildProcess(new Process { StartInfo = Describe(plan), EnableRaisingEvents = true }, plan);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        child.process.Exited += (_, _) => ended.TrySetResult();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Starter.Value;
        Starts.Add(() =>
        {
            try
            {
                child.process.Start();
                started.SetResult();
            }
            catch (Win32Exception e)
            {
                started.SetException(new DistributedApplicationException(
                    $"{plan.FileName} could not be started: {e.Message}", e));
            }
        });
        await started.Task.ConfigureAwait(false);
        child.Id = child.process.Id;
        child.process.StandardInput.Close();
        var read = Task.WhenAll(
            ReadAsync(child.process.StandardOutput, line => onLine(line, false)),
            ReadAsync(child.process.StandardError, line => onLine(line, true)));
        _ = child.CompleteAsync(ended.Task, read);
        return child;
    }

    /// <summary>Asks the process to end, kills it when it does not, and returns its exit code.</summary>
    /// <param name="patience">How long it may take to end by itself.</param>
    public async Task<int> StopAsync(TimeSpan patience)
    {
        if (!Exited.IsCompleted)
        {
            Signals.Send(Id, plan.StopSignal);
            try
            {
                return await Exited.WaitAsync(patience).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                Signals.Send(Id, Signal.Kill);
            }
        }

        return await Exited.ConfigureAwait(false);
    }

    private static ProcessStartInfo Describe(ProcessPlan plan)
    {
        List<string> command = [];
        if (Programs.TryFind("setsid") is { } setsid)
        {
            command.Add(setsid);
        }

        // Absent where there is no setpriv (macOS): a killed AppHost leaves its processes behind there.
        if (Programs.TryFind("setpriv") is { } setpriv)
        {
            command.Add(setpriv);
            if (plan.Account is { } account)
            {
                command.AddRange(["--reuid", account, "--regid", account, "--init-groups"]);
            }

            command.AddRange(["--pdeathsig", NameOf(plan.DeathSignal), "--"]);
        }

        command.Add(plan.FileName);
        command.AddRange(plan.Arguments);
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = plan.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(InheritedEnvironment.IsOwn).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in plan.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static string NameOf(Signal signal) => signal switch
    {
        Signal.Interrupt => "INT",
        Signal.Quit => "QUIT",
        Signal.Terminate => "TERM",
        _ => "KILL",
    };

    private static async Task ReadAsync(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            onLine(line);
        }
    }

    private async Task CompleteAsync(Task ended, Task read)
    {
        await ended.ConfigureAwait(false);
        // A grandchild may hold the pipe open; the process itself has written all it ever will.
        await Task.WhenAny(read, Task.Delay(TimeSpan.FromMilliseconds(300))).ConfigureAwait(false);
        exited.TrySetResult(process.ExitCode);
        process.Dispose();
    }
}

/// <summary>Which variables of the AppHost are its own and not its children's.</summary>
internal static class InheritedEnvironment
{
    private static readonly string[] Own =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_LAUNCH_PROFILE",
        "DOTNET_HOST_PATH", "MSBuildSDKsPath", "MSBuildExtensionsPath", "MSBuildLoadMicrosoftTargetsReadOnly",
    ];

    private static readonly string[] OwnPrefixes = ["ASPIRE_", "Standin__", "Parameters__", "OTEL_", "services__"];

    /// <summary>Whether a variable stays with the AppHost.</summary>
    public static bool IsOwn(string name) => Own.Contains(name, StringComparer.OrdinalIgnoreCase)
        || OwnPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
