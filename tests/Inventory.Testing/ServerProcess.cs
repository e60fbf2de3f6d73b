using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Inventory.Testing;

/// <summary>One run of a server's executable, from its start until it and all its children have ended.</summary>
/// <remarks>
/// Invariant: on Linux the server dies whenever the test run dies. The kernel sends the parent-death signal when the
/// thread that forked ends, so one thread that lives as long as the process starts every server.
/// </remarks>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int KeptLines = 200;

    /// <summary>The log line of ASP.NET Core for a request with an unhandled exception.</summary>
    private const string SignOfBug = "An unhandled exception has occurred";

    private const int KeptBugs = 5;

    private static readonly BlockingCollection<Action> Starts = [];
    private static readonly Thread Starter = RunStarter();

    /// <summary>PostgreSQL and Redis write this when ready, after recovery or loading.</summary>
    private const string Accepting = "ready to accept";

    private readonly Process process;
    private readonly string sign;
    private readonly ConcurrentQueue<string> output = new();
    private readonly ConcurrentQueue<string> bugs = new();
    private readonly TaskCompletionSource<string> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(ProcessStartInfo start, string sign) =>
        (process, this.sign) = (new Process { StartInfo = start }, sign);

    /// <summary>The line that says that the server is ready.</summary>
    public string ReadyLine => ready.Task.Result;

    /// <summary>The last lines that the server wrote, for messages about its failure.</summary>
    public string Output => string.Join(Environment.NewLine, output);

    /// <summary>The log lines of the first few requests with an unhandled exception.</summary>
    public IReadOnlyList<string> Bugs => [.. bugs];

    public bool HasExited => process.HasExited;

    /// <summary>The exit code, once the process has ended.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>Starts a server and waits until it writes that it is ready to accept connections.</summary>
    /// <param name="command">The executable and its arguments.</param>
    /// <param name="account">The account to run under, or null for the caller's own.</param>
    /// <param name="deathSignal">The signal that the kernel sends when the test run dies: Kill or Quit.</param>
    /// <param name="patience">The longest wait.</param>
    /// <param name="sign">The text that the server writes when it is ready.</param>
    /// <param name="environment">Variables in addition to the caller's.</param>
    /// <exception cref="InvalidOperationException">The server ended, or wasn't ready in time.</exception>
    public static async Task<ServerProcess> StartAsync(
        string[] command,
        string? account,
        int deathSignal,
        TimeSpan patience,
        string sign = Accepting,
        params (string Name, string Value)[] environment)
    {
        var start = Describe(command, account, deathSignal);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var server = new ServerProcess(start, sign);
        await OnStarterThread(server.Launch);
        var exited = server.process.WaitForExitAsync();
        try
        {
            var first = await Task.WhenAny(server.ready.Task, exited).WaitAsync(patience);
            if (first == server.ready.Task)
            {
                return server;
            }

            await exited;
            throw new InvalidOperationException($"{command[0]} ended before it was ready:\n{server.Output}");
        }
        catch (TimeoutException)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException($"{command[0]} isn't ready after {patience}:\n{server.Output}");
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a signal, see <see cref="Signals"/>. Does nothing when the server has ended.</summary>
    public void Send(int signal)
    {
        if (!process.HasExited && kill(process.Id, signal) != 0)
        {
            throw new InvalidOperationException(
                $"Signal {signal} to {process.Id}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>
    /// Sends <paramref name="signal"/> and waits until the server and its children, which keep its output open, have
    /// ended.
    /// </summary>
    /// <exception cref="TimeoutException">The server still runs after <paramref name="patience"/>.</exception>
    public Task EndAsync(int signal, TimeSpan patience)
    {
        Send(signal);
        return process.WaitForExitAsync().WaitAsync(patience);
    }

    /// <summary>Kills the server if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        Send(Signals.Kill);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private void Launch()
    {
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        output.Enqueue(line);
        if (output.Count > KeptLines)
        {
            output.TryDequeue(out _);
        }

        // Kept apart from the last lines, which a busy service soon replaces.
        if (bugs.Count < KeptBugs && line.Contains(SignOfBug, StringComparison.Ordinal)) bugs.Enqueue(line);
        if (line.Contains(sign, StringComparison.OrdinalIgnoreCase))
        {
            ready.TrySetResult(line);
        }
    }

    private static ProcessStartInfo Describe(string[] command, string? account, int deathSignal)
    {
        // One setpriv for both: a change of the account clears the parent-death signal, and setpriv sets it after that.
        string[] whole = OperatingSystem.IsLinux()
            ? ["setpriv", "--pdeathsig", Signals.Name(deathSignal), .. UnderAccount(account), .. command]
            : command;
        var start = new ProcessStartInfo(whole[0], whole[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Without this locale, the text that Read waits for could be translated.
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    private static string[] UnderAccount(string? account) =>
        account is null ? [] : ["--reuid", account, "--regid", account, "--init-groups"];

    private static Task OnStarterThread(Action start)
    {
        Debug.Assert(Starter.IsAlive);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                start();
                started.SetResult();
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    private static Thread RunStarter()
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
            Name = "server starter",
        };
        thread.Start();
        return thread;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
