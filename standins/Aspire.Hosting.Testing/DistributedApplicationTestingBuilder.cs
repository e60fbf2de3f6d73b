using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>An application under test, described and not yet built.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    /// <summary>Builds the application. The test then starts it, and disposes of it at the end.</summary>
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>Runs an application for a test: random ports, and temporary folders that end with it.</summary>
public static class DistributedApplicationTestingBuilder
{
    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    /// <typeparam name="TEntryPoint">A type of the AppHost's assembly, such as Projects.Shop_AppHost.</typeparam>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync<TEntryPoint>([], (_, _) => { }, cancellationToken);

    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    /// <typeparam name="TEntryPoint">A type of the AppHost's assembly, such as Projects.Shop_AppHost.</typeparam>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync<TEntryPoint>(args, (_, _) => { }, cancellationToken);

    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    /// <typeparam name="TEntryPoint">A type of the AppHost's assembly, such as Projects.Shop_AppHost.</typeparam>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default) =>
        CreateAsync(typeof(TEntryPoint), args, configureBuilder, cancellationToken);

    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(
        Type entryPoint, CancellationToken cancellationToken = default) =>
        CreateAsync(entryPoint, [], (_, _) => { }, cancellationToken);

    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(
        Type entryPoint, string[] args, CancellationToken cancellationToken = default) =>
        CreateAsync(entryPoint, args, (_, _) => { }, cancellationToken);

    /// <summary>Runs an AppHost's code up to its Build(), so that the test can change what it describes.</summary>
    /// <param name="entryPoint">A type of the AppHost's assembly.</param>
    /// <param name="args">Arguments of the AppHost.</param>
    /// <param name="configureBuilder">Changes how the AppHost's builder is made.</param>
    /// <param name="cancellationToken">Ends the wait for the AppHost's code.</param>
    /// <exception cref="InvalidOperationException">The AppHost's code ended without a Build().</exception>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync(
        Type entryPoint,
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default)
    {
        var run = new EntryPointRun(entryPoint.Assembly, args, configureBuilder);
        return new TestingBuilder(await run.BeginAsync(cancellationToken).ConfigureAwait(false), run);
    }

    /// <summary>Begins an application that the test describes itself.</summary>
    public static IDistributedApplicationTestingBuilder Create(params string[] args) => Create(args, (_, _) => { });

    /// <summary>Begins an application that the test describes itself.</summary>
    public static IDistributedApplicationTestingBuilder Create(
        string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder)
    {
        var run = new EntryPointRun(null, args, configureBuilder);
        var builder = run.Describe(() => new DistributedApplicationBuilder(new() { Args = args }));
        return new TestingBuilder(builder, run);
    }

    private sealed class TestingBuilder : IDistributedApplicationTestingBuilder
    {
        private readonly IDistributedApplicationBuilder inner;
        private readonly EntryPointRun run;

        public TestingBuilder(IDistributedApplicationBuilder inner, EntryPointRun run)
        {
            (this.inner, this.run) = (inner, run);
            inner.Services.AddHttpClient();
        }

        public ConfigurationManager Configuration => inner.Configuration;

        public string AppHostDirectory => inner.AppHostDirectory;

        public Assembly? AppHostAssembly => inner.AppHostAssembly;

        public IHostEnvironment Environment => inner.Environment;

        public IServiceCollection Services => inner.Services;

        public DistributedApplicationExecutionContext ExecutionContext => inner.ExecutionContext;

        public IResourceCollection Resources => inner.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource =>
            inner.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

        public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
            new TestedApplication(await run.BuildAsync(inner, cancellationToken).ConfigureAwait(false), run);

        public void Dispose() => run.End();

        public ValueTask DisposeAsync()
        {
            run.End();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Tells the AppHost's code, which waits in Run(), what the test does.</summary>
    private sealed class TestedApplication(DistributedApplication inner, EntryPointRun run)
        : DistributedApplication(inner)
    {
        public override async Task StartAsync(CancellationToken cancellationToken = default)
        {
            await base.StartAsync(cancellationToken).ConfigureAwait(false);
            run.SetStarted();
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync().ConfigureAwait(false);
            run.End();
            GC.SuppressFinalize(this);
        }
    }
}
