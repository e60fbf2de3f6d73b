namespace Standins.Hosting.Tests;

/// <summary>Who waits for whom, and what happens when it can't come.</summary>
public sealed class OrderTests
{
    [Fact]
    public async Task WaitFor_starts_a_resource_only_when_the_other_is_healthy()
    {
        var healthy = new TaskCompletionSource();
        var builder = DistributedApplicationTestingBuilder.Create();
        var first = Script(builder, "first", "sleep 600")
            .WithAnnotation(new ReplicaProbeAnnotation("gate", (_, _, _) => Task.FromResult(healthy.Task.IsCompleted
                ? Microsoft.Extensions.Diagnostics.HealthChecks.HealthCheckResult.Healthy()
                : Microsoft.Extensions.Diagnostics.HealthChecks.HealthCheckResult.Unhealthy("not yet"))));
        Script(builder, "second", "sleep 600").WaitFor(first);
        Script(builder, "eager", "sleep 600").WaitForStart(first);
        await using var app = await builder.BuildAsync();
        await app.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("eager").WaitAsync(Replicas.Patience);
        Assert.Equal(KnownResourceStates.Waiting, StateOf(app, "second"));
        healthy.SetResult();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("second").WaitAsync(Replicas.Patience);
    }

    [Fact]
    public async Task WaitForCompletion_wants_the_code_it_names()
    {
        var builder = DistributedApplicationTestingBuilder.Create();
        var migration = Script(builder, "migration", "exit 0");
        var broken = Script(builder, "broken", "exit 7");
        Script(builder, "after", "sleep 600").WaitForCompletion(migration);
        Script(builder, "never", "sleep 600").WaitForCompletion(broken);
        await using var app = await builder.BuildAsync();
        await app.StartAsync();

        await app.ResourceNotifications.WaitForResourceHealthyAsync("after").WaitAsync(Replicas.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("never", KnownResourceStates.FailedToStart)
            .WaitAsync(Replicas.Patience);
        await Assert.ThrowsAsync<DistributedApplicationException>(
            () => app.ResourceNotifications.WaitForResourceHealthyAsync("never"));
        Assert.True(app.ResourceNotifications.TryGetCurrentState("broken", out var ended));
        Assert.Equal(7, ended!.Snapshot.ExitCode);
    }

    [Fact]
    public async Task Dependents_end_before_what_they_depend_on()
    {
        var file = Path.GetTempFileName();
        try
        {
            var builder = DistributedApplicationTestingBuilder.Create();
            var server = Script(builder, "server", Confessing("server", file));
            var client = Script(builder, "client", Confessing("client", file)).WaitFor(server);
            Script(builder, "browser", Confessing("browser", file)).WaitFor(client);
            await using (var app = await builder.BuildAsync())
            {
                await app.StartAsync();
                // A shell that has printed has set its trap.
                await foreach (var _ in app.ResourceLogs("browser"))
                {
                    break;
                }
            }

            Assert.Equal(["browser", "client", "server"], await File.ReadAllLinesAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_resource_can_be_stopped_and_started_again()
    {
        var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddRedis("cache");
        await using var app = await builder.BuildAsync();
        await app.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("cache").WaitAsync(Replicas.Patience);
        var earlier = app.ProcessIds("cache");

        var stop = await app.ResourceCommands.ExecuteCommandAsync("cache", KnownResourceCommands.StopCommand);
        Assert.True(stop.Success);
        Assert.Equal(KnownResourceStates.Exited, StateOf(app, "cache"));
        var start = await app.ResourceCommands.ExecuteCommandAsync("cache", KnownResourceCommands.StartCommand);
        Assert.True(start.Success);
        await app.WaitForAnotherProcessAsync("cache", earlier);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("nobody", "resource-stop")).Success);
    }

    private static string Confessing(string name, string file) =>
        $"trap 'echo {name} >> {file}; exit 0' TERM; echo ready; while true; do sleep 0.05; done";

    private static IResourceBuilder<ExecutableResource> Script(
        IDistributedApplicationBuilder builder, string name, string script) =>
        builder.AddExecutable(name, "sh", ".", "-c", script);

    private static string? StateOf(DistributedApplication app, string resource)
    {
        Assert.True(app.ResourceNotifications.TryGetCurrentState(resource, out var current));
        return current!.Snapshot.State?.Text;
    }
}
