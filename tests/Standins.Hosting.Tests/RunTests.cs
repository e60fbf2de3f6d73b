using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Processes;

namespace Standins.Hosting.Tests;

/// <summary>An AppHost as a person runs it: what it prints, and how everything ends with it.</summary>
public sealed class RunTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("standins-").FullName;

    public RunTests() => File.SetUnixFileMode(root, File.GetUnixFileMode("/usr"));

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task Ends_on_SIGTERM_without_leaving_anything_and_a_second_AppHost_is_refused_meanwhile()
    {
        await using var host = AppHostProcess.Start(root, FreePort());
        await host.WaitUntilStartedAsync();
        var file = Path.Combine(root, "resources.json");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var ids = AppHostProcess.ResourceProcessIds(root);
        Assert.Equal(5, ids.Length);
        Assert.Contains(host.Lines, line => line.StartsWith("  gateway      healthy  ", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Lines, line => line.Contains('\e', StringComparison.Ordinal));
        Assert.DoesNotContain(host.Lines, line => line.StartsWith("cache ", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Lines, line => line.StartsWith("postgres ", StringComparison.Ordinal));

        await using (var second = AppHostProcess.Start(root, FreePort()))
        {
            Assert.Equal(1, await second.WaitForExitAsync());
            Assert.StartsWith("Another AppHost uses", Assert.Single(second.Lines), StringComparison.Ordinal);
        }

        Signals.Send(host.Id, Signal.Terminate);

        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.All(ids, id => Assert.False(IsRunning(id)));
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task Kill_leaves_no_process_behind()
    {
        await using var host = AppHostProcess.Start(root, FreePort());
        await host.WaitUntilStartedAsync();
        var ids = AppHostProcess.ResourceProcessIds(root);
        // The server's own children must go too.
        var all = ids.Concat(ids.SelectMany(ChildrenOf)).ToArray();
        Assert.True(all.Length > ids.Length);

        Signals.Send(host.Id, Signal.Kill);
        await host.WaitForExitAsync();

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (all.Any(IsRunning))
        {
            await tick.WaitForNextTickAsync(patience.Token);
        }
    }

    [Fact]
    public async Task A_taken_port_is_one_line_and_an_exit_code()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var host = AppHostProcess.Start(root, port);

        Assert.Equal(1, await host.WaitForExitAsync());
        Assert.StartsWith($"gateway: port {port} is taken", Assert.Single(host.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_server_is_one_line_that_says_how_to_install_it()
    {
        await using var host = AppHostProcess.Start(root, FreePort(), ("PATH", root));

        Assert.Equal(1, await host.WaitForExitAsync());
        Assert.Equal(
            "redis-server not found: install it, for instance with: sudo apt-get install redis-server",
            Assert.Single(host.Lines));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool IsRunning(int id)
    {
        try
        {
            // A zombie has ended; whoever inherits it has not asked yet.
            return StatOf(id)[0] is not ("Z" or "X");
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IEnumerable<int> ChildrenOf(int parent)
    {
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (IsRunning(process.Id) && ParentOf(process.Id) == parent)
                {
                    yield return process.Id;
                }
            }
        }
    }

    private static int ParentOf(int id)
    {
        try
        {
            return int.Parse(StatOf(id)[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    // State and parent stand behind the name, which may hold anything but ends with the last parenthesis.
    private static string[] StatOf(int id) => File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].Split(' ')[1..];
}
