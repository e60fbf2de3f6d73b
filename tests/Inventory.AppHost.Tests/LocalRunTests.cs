using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using Inventory.Testing;

namespace Inventory.AppHost.Tests;

/// <summary>The AppHost as a person starts it, with Redis and PostgreSQL as processes.</summary>
public sealed class LocalRunTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly ServerFolder folder = ServerFolder.Create();
    private readonly StringBuilder output = new();

    private string Endpoints => Path.Combine(folder.Data, "endpoints.env");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_sells_locks_its_data_and_leaves_no_process_behind_when_it_is_killed()
    {
        using var run = Start();
        try
        {
            await Eventually.TrueAsync(() => run.HasExited || File.Exists(Endpoints), this, Patience);
            Assert.False(run.HasExited, $"The run ended. {this}");
            var settings = (await File.ReadAllLinesAsync(Endpoints)).Select(line => line.Split('=', 2))
                .ToDictionary(parts => parts[0], parts => parts[1]);
            using var shopper = new HttpClient { BaseAddress = new(settings["GATEWAY_URL"]) };
            using var held = await shopper.PostAsJsonAsync(
                new Uri("/reserve", UriKind.Relative), new { sku = "sku-123", qty = 1, cart_id = "cart-1" });
            Assert.True(held.IsSuccessStatusCode, await held.Content.ReadAsStringAsync());
            if (!OperatingSystem.IsWindows())
            {
                // Both hold secrets: passwords, and the keys that sign sessions.
                var redis = Path.Combine(folder.Data, "data", "redis", "appendonlydir");
                foreach (var file in Directory.GetFiles(redis, "*").Append(Endpoints))
                {
                    Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
                }
            }

            var second = await Command.RunAsync("Inventory.AppHost", Arguments(), []);

            Assert.Equal(1, second.ExitCode);
            Assert.Contains("another run uses", second.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(" at ", second.Output, StringComparison.Ordinal);
            Assert.NotEmpty(ProcessesOfThisRun());
        }
        finally
        {
            run.Kill();
        }

        await Eventually.EqualAsync(0, () => ProcessesOfThisRun().Count, about: this);
    }

    [Theory]
    //          argument        value      message
    [InlineData("--port", "70000", "--port must be 0 to 65535, and is 70000.")]
    [InlineData("--replicas", "0", "--replicas must be 1 to 32, and is 0.")]
    [InlineData("--replicas", "many", "'Run:Replicas'")]
    [InlineData("--telemetry", "maybe", "'Run:Telemetry'")]
    [InlineData("--prot", "8081", "there is no switch --prot")]
    [InlineData("--fresh", "maybe", "--fresh takes true or false")]
    [InlineData("--fresh", "--folder", "--folder needs a value.")]
    [InlineData("--Run:Prot", "1", "'Prot'")]
    public async Task An_invalid_setting_ends_the_run_with_one_line(
        string argument, string value, string message)
    {
        var run = await Command.RunAsync("Inventory.AppHost", [.. Arguments(), argument, value], []);

        Assert.Equal(1, run.ExitCode);
        var line = Assert.Single(run.Output.Trim().Split('\n'));
        Assert.StartsWith("error: ", line, StringComparison.Ordinal);
        Assert.Contains(message, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_installed_is_named_with_its_package()
    {
        if (!OperatingSystem.IsLinux()) return;
        var dotnet = Path.GetDirectoryName(Environment.ProcessPath)!;
        var run = await Command.RunAsync("Inventory.AppHost", Arguments(), [new("PATH", dotnet)]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("redis-server", run.Output, StringComparison.Ordinal);
        Assert.Contains("apt-get install", run.Output, StringComparison.Ordinal);
    }

    private string[] Arguments() => ["--port", "0", "--folder", folder.Data, "--containers", "false"];

    private Process Start()
    {
        var built = ServiceProcess.FolderOf("Inventory.AppHost");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(built, "Inventory.AppHost.dll"), .. Arguments()])
        {
            WorkingDirectory = built,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_ENVIRONMENT"] = "Development", ["ASPNETCORE_ENVIRONMENT"] = "Development" },
        };
        var run = Process.Start(start)!;
        run.OutputDataReceived += (_, line) => Keep(line.Data);
        run.ErrorDataReceived += (_, line) => Keep(line.Data);
        run.BeginOutputReadLine();
        run.BeginErrorReadLine();
        return run;
    }

    /// <summary>
    /// Servers and services of this run: those in its folder, and those that know the password of its Redis.
    /// </summary>
    private List<int> ProcessesOfThisRun()
    {
        var password = File.ReadAllText(Path.Combine(folder.Data, "data", "redis.password"));
        return
        [
            .. Directory.GetDirectories("/proc").Select(Path.GetFileName)
                .Where(name => int.TryParse(name, out var pid) && pid != Environment.ProcessId).Select(int.Parse!)
                .Where(pid => Read($"/proc/{pid}/environ").Contains(password, StringComparison.Ordinal)
                    || Target($"/proc/{pid}/cwd").StartsWith(folder.Data, StringComparison.Ordinal)),
        ];
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended meanwhile, or belongs to another user.
            return "";
        }
    }

    private static string Target(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private void Keep(string? line)
    {
        lock (output) output.AppendLine(line);
    }

    /// <summary>What the run has written, for the message of a failed test.</summary>
    public override string ToString()
    {
        lock (output) return output.ToString();
    }
}
