using System.Diagnostics;

namespace Inventory.AppHost.Tests;

/// <summary>A program that ends by itself.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its output, errors included.</param>
internal sealed record Command(int ExitCode, string Output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program that was built with these tests, and waits for its end.</summary>
    /// <param name="project">The project's name.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Variables; those that name an environment are not passed on from the test run.</param>
    /// <exception cref="TimeoutException">The program still ran after a minute and was killed.</exception>
    public static async Task<Command> RunAsync(
        string project, string[] arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var folder = Testing.ServiceProcess.FolderOf(project);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, $"{project}.dll"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        foreach (var (name, value) in environment) start.Environment[name] = value;

        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{project} still ran after {Patience}.");
        }
    }
}
