using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// One run of an AppHost's entry point, on a thread of its own. It stops in Build() until the test builds, and in Run()
/// until the test disposes. Without an assembly it is the run of a test's own description.
/// </summary>
internal sealed class EntryPointRun(
    Assembly? assembly,
    string[] args,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder) : AppHostHook
{
    private readonly TaskCompletionSource<IDistributedApplicationBuilder> described =
        New<IDistributedApplicationBuilder>();
    private readonly TaskCompletionSource<DistributedApplication> built = New<DistributedApplication>();
    private readonly TaskCompletionSource<bool> mayBuild = New<bool>();
    private readonly TaskCompletionSource<bool> started = New<bool>();
    private readonly TaskCompletionSource<bool> disposed = New<bool>();

    public override Assembly? Assembly => assembly;

    public override Task Started => started.Task;

    public override Task Disposed => disposed.Task;

    /// <summary>Runs the entry point up to its Build().</summary>
    public Task<IDistributedApplicationBuilder> BeginAsync(CancellationToken cancellationToken)
    {
        var entryPoint = assembly!.EntryPoint
            ?? throw new InvalidOperationException($"{assembly.GetName().Name} is no AppHost: it has no Main.");
        var thread = new Thread(() => Run(entryPoint)) { IsBackground = true, Name = "AppHost entry point" };
        thread.Start();
        return described.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Makes a builder that belongs to this run.</summary>
    public IDistributedApplicationBuilder Describe(Func<IDistributedApplicationBuilder> make)
    {
        Current = this;
        try
        {
            return make();
        }
        finally
        {
            Current = null;
        }
    }

    /// <summary>Lets Build() go on and returns what it built.</summary>
    public Task<DistributedApplication> BuildAsync(
        IDistributedApplicationBuilder builder, CancellationToken cancellationToken)
    {
        mayBuild.TrySetResult(true);
        return assembly is null
            ? Task.FromResult(builder.Build())
            : built.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lets a StartAsync() of the entry point return.</summary>
    public void SetStarted() => started.TrySetResult(true);

    /// <summary>Lets the entry point end.</summary>
    public void End()
    {
        mayBuild.TrySetResult(false);
        started.TrySetCanceled();
        disposed.TrySetResult(true);
    }

    public override void BuilderCreating(DistributedApplicationOptions options, HostApplicationBuilderSettings settings)
    {
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.Args = [.. settings.Args ?? [], .. assembly is null ? [] : args];
        if (assembly is not null && ProfileEnvironment().TryGetValue("DOTNET_ENVIRONMENT", out var environment))
        {
            settings.EnvironmentName = environment;
        }

        configureBuilder(options, settings);
    }

    public override void BuilderCreated(IDistributedApplicationBuilder builder)
    {
    }

    public override void Building(IDistributedApplicationBuilder builder)
    {
        if (assembly is null)
        {
            return;
        }

        described.TrySetResult(builder);
        if (!mayBuild.Task.GetAwaiter().GetResult())
        {
            throw new OperationCanceledException("The test ended without building the application.");
        }
    }

    public override void Built(DistributedApplication app) => built.TrySetResult(app);

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private IReadOnlyDictionary<string, string> ProfileEnvironment()
    {
        var directory = assembly!.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(a => a.Key == "apphostprojectpath")?.Value;
        var profiles = directory is null ? [] : LaunchProfile.Read(directory);
        return profiles.Count > 0 ? profiles[0].EnvironmentVariables : new Dictionary<string, string>();
    }

    private void Run(MethodInfo entryPoint)
    {
        Current = this;
        try
        {
            var arguments = entryPoint.GetParameters().Length == 0 ? null : new object[] { args };
            if (entryPoint.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null) is Task task)
            {
                task.GetAwaiter().GetResult();
            }

            Fail(new InvalidOperationException($"The entry point of {assembly!.GetName().Name} built no application."));
        }
        catch (Exception e)
        {
            // The test gets it; on this thread it would end the test process.
            Fail(e);
        }
    }

    // Whoever has an answer already keeps it.
    private void Fail(Exception e)
    {
        described.TrySetException(e);
        built.TrySetException(e);
        _ = (described.Task.Exception, built.Task.Exception);
    }
}
