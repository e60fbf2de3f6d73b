using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Standins.Hosting.Tests;

/// <summary>The sample AppHost as a process of its own, as a person starts it.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private const string StartedLine = "Distributed application started. Press Ctrl+C to shut down.";

    private readonly Process process;
    private readonly List<string> lines = [];
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task reading;

    private AppHostProcess(Process process)
    {
        this.process = process;
        reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public int Id => process.Id;

    /// <summary>Everything printed so far, both streams.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines)
            {
                return [.. lines];
            }
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="root">The data root, where it also writes resources.json.</param>
    /// <param name="port">The gateway's port.</param>
    /// <param name="environment">Further variables.</param>
    public static AppHostProcess Start(string root, int port, params (string Name, string Value)[] environment)
    {
        // The host of the runtime that the tests run on, which is not always the one on PATH.
        var host = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", "dotnet");
        var start = new ProcessStartInfo(host, [typeof(Projects.Sample_AppHost).Assembly.Location])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["Standin__DataRoot"] = root;
        start.Environment["Standin__ResourcesFile"] = Path.Combine(root, "resources.json");
        start.Environment["Gateway__Port"] = port.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new AppHostProcess(Process.Start(start)!);
    }

    public Task WaitUntilStartedAsync() => started.Task.WaitAsync(Replicas.Patience);

    /// <summary>Waits for the end, and for the last line.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Replicas.Patience);
        await reading.WaitAsync(Replicas.Patience);
        return process.ExitCode;
    }

    /// <summary>The process ids in resources.json.</summary>
    public static int[] ResourceProcessIds(string root)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(root, "resources.json")));
        return [.. file.RootElement.GetProperty("resources").EnumerateArray()
            .SelectMany(r => r.GetProperty("pids").EnumerateArray()).Select(id => id.GetInt32())];
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (lines)
            {
                lines.Add(line);
            }

            if (line == StartedLine)
            {
                started.TrySetResult();
            }
        }
    }
}
