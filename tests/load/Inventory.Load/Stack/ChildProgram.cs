using System.Diagnostics;
using System.Net.Sockets;

namespace Inventory.Load.Stack;

/// <summary>A .NET program that serves on a loopback port for as long as this object lives.</summary>
internal sealed class ChildProgram : IDisposable
{
    private readonly Process process;

    private ChildProgram(Process process, int port)
    {
        this.process = process;
        Address = new($"http://127.0.0.1:{port}");
    }

    /// <summary>The address that the program listens on.</summary>
    public Uri Address { get; }

    /// <summary>The id of its process.</summary>
    public int ProcessId => process.Id;

    /// <summary>Starts a program and waits until it listens.</summary>
    /// <param name="assembly">The path of its assembly.</param>
    /// <param name="port">The port that its arguments or settings name.</param>
    /// <param name="arguments">Command-line arguments.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="stop">Ends the wait.</param>
    public static async Task<ChildProgram> StartAsync(string assembly, int port, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> settings, CancellationToken stop)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            // Programs of this assembly end when standard input ends, also when the bench is killed.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetDirectoryName(assembly),
        };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var program = new ChildProgram(process, port);
        while (!await ListensAsync(port, stop))
        {
            if (process.HasExited) throw new InvalidOperationException($"{assembly} ended before it listened.");
            await Task.Delay(50, stop);
        }
        return program;
    }

    /// <summary>Stops the program.</summary>
    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private static async Task<bool> ListensAsync(int port, CancellationToken stop)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync("127.0.0.1", port, stop);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
