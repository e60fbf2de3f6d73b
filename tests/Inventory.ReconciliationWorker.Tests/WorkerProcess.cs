using System.Diagnostics;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>The worker as it is shipped, in a process that a test may kill.</summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process process;

    private WorkerProcess(Process process) => this.process = process;

    public static WorkerProcess Start(Stores stores, params (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Inventory.ReconciliationWorker.dll")])
        {
            WorkingDirectory = AppContext.BaseDirectory,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["ConnectionStrings__redis"] = stores.Redis.ConnectionString;
        start.Environment["ConnectionStrings__ledger"] = stores.Postgres.ConnectionString;
        foreach (var (key, value) in settings) start.Environment[key] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>Kills the process with SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Kills the process if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process.Dispose();
    }
}
