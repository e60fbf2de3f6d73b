using System.Diagnostics;

namespace Inventory.Load;

/// <summary>Runs other programs.</summary>
internal static class Commands
{
    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="InvalidOperationException">The program failed; the message has its output.</exception>
    public static async Task<string> OutputAsync(ProcessStartInfo start, CancellationToken stop)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(stop);
            var errors = process.StandardError.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{start.FileName} failed: {await errors}{await output}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>The first line that a command prints; empty when the command isn't installed.</summary>
    public static async Task<string> FirstLineAsync(string command, params string[] arguments)
    {
        try
        {
            return (await OutputAsync(new ProcessStartInfo(command, arguments), default)).Split('\n')[0].Trim();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
