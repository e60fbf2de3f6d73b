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

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Its process.</summary>
    public int ProcessId => process.Id;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="assembly">The program.</param>
    /// <param name="port">The port that its arguments or settings name.</param>
    /// <param name="arguments">Arguments.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="stop">Ends the wait.</param>
    public static async Task<ChildProgram> StartAsync(string assembly, int port, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> settings, CancellationToken stop)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            // Ours end when their input does; a killed bench takes them along.
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

    /// <summary>Ends it.</summary>
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
