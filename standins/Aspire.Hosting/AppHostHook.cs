using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>
/// Lets a test take part in the run of an AppHost's entry point: <see cref="Building"/> may block until the test has
/// changed the builder, and Run() inside the entry point then waits for the test instead of starting anything.
/// </summary>
internal abstract class AppHostHook
{
    private static readonly AsyncLocal<AppHostHook?> Local = new();

    /// <summary>The hook of the entry point that the current code runs in; null outside tests.</summary>
    public static AppHostHook? Current
    {
        get => Local.Value;
        set => Local.Value = value;
    }

    public abstract Assembly? Assembly { get; }

    /// <summary>Completes when the test has started the application.</summary>
    public abstract Task Started { get; }

    /// <summary>Completes when the test has disposed of the application.</summary>
    public abstract Task Disposed { get; }

    public abstract void BuilderCreating(
        DistributedApplicationOptions options, HostApplicationBuilderSettings settings);

    public abstract void BuilderCreated(IDistributedApplicationBuilder builder);

    public abstract void Building(IDistributedApplicationBuilder builder);

    public abstract void Built(DistributedApplication app);
}
