using System.Collections.Concurrent;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Inventory.Contracts;
using Inventory.Fuzz.Making;
using Inventory.Identity;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.Fuzz;

/// <summary>The whole product as the AppHost describes it, with its own ports and data.</summary>
public sealed class Product : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // The secret of a Development run.
    private const string WebhookSecret = "b25seS1mb3ItbG9jYWwtZGVtb25zdHJhdGlvbnMtMDE=";

    // One key for each scope, beside those of a Development run.
    private static readonly (string Key, string[] Scopes)[] Keys =
    [
        (DemoKeys.Admin, [ScopeNames.Reserve, ScopeNames.Confirm, ScopeNames.Admin]),
        (DemoKeys.Backend, [ScopeNames.Reserve, ScopeNames.Confirm]),
        ("inv_test_reserve_0123456789abcdef0123456789abcdef", [ScopeNames.Reserve]),
        ("inv_test_confirm_0123456789abcdef0123456789abcdef", [ScopeNames.Confirm]),
        ("inv_test_admin_0123456789abcdef0123456789abcdef", [ScopeNames.Admin]),
    ];

    private readonly ConcurrentDictionary<string, ResourceEvent> states = new();
    private readonly CancellationTokenSource watching = new();
    private readonly LogSink log = new();
    private readonly ServerFolder data = ServerFolder.Create();
    private DistributedApplication? app;
    private Task watch = Task.CompletedTask;

    private Product()
    {
    }

    /// <summary>The gateway's address.</summary>
    public Uri Front { get; private set; } = null!;

    /// <summary>Redis.</summary>
    public ConnectionMultiplexer Redis { get; private set; } = null!;

    /// <summary>What callers may have.</summary>
    public Credentials Credentials { get; } =
        new([.. Keys.Select(each => each.Key)], Convert.FromBase64String(WebhookSecret));

    /// <summary>Starts everything, and waits until every service is healthy.</summary>
    public static async Task<Product> StartAsync()
    {
        var product = new Product();
        try
        {
            await product.LaunchAsync();
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the processes have written.</summary>
    public string Log => log.ToString();

    /// <summary>Process ids of every replica of every resource that runs as a process, by name.</summary>
    public IReadOnlyList<(string Name, int Id)> Processes =>
    [
        .. from state in states.Values
           where state.Snapshot.State?.Text == KnownResourceStates.Running
           from property in state.Snapshot.Properties
           where property.Name == "executable.pid"
           orderby state.ResourceId
           select (state.ResourceId, Convert.ToInt32(property.Value, CultureInfo.InvariantCulture)),
    ];

    /// <summary>
    /// Closes the fence, as a Redis that lost its data would: until it is verified, shoppers get tickets.
    /// </summary>
    public Task CloseFenceAsync() => Redis.GetDatabase().KeyDeleteAsync("{inv:0}:epoch");

    /// <summary>Adds an event that can't be stored, so that there is a dead letter.</summary>
    public Task AddBrokenEventAsync() =>
        Redis.GetDatabase().StreamAddAsync("{inv:0}:events", [new("type", "teleported")]);

    /// <summary>Stops everything.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Redis is not null) await Redis.DisposeAsync();
        await watching.CancelAsync();
        await watch;
        if (app is not null) await app.DisposeAsync();
        watching.Dispose();
        log.Dispose();
        data.Dispose();
    }

    private async Task LaunchAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Inventory_AppHost>(
            ["--port", "0", "--folder", data.Data, "--containers", "false", "--telemetry", "false"]);
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(log));
        foreach (var project in builder.Resources.OfType<ProjectResource>()
            .Where(project => project.Name is "gateway" or "reservation-api"))
        {
            var service = builder.CreateResourceBuilder(project);
            foreach (var (number, (key, scopes)) in Keys.Index())
            {
                var (prefix, name) = ($"ApiKeys__{number}", $"fuzz-{number}");
                service.WithEnvironment($"{prefix}__Name", name)
                    .WithEnvironment($"{prefix}__Hash", ApiKeyRing.HashOf(key));
                foreach (var (place, scope) in scopes.Index())
                {
                    service.WithEnvironment($"{prefix}__Scopes__{place}", scope);
                }
            }
        }

        app = await builder.BuildAsync();
        watch = WatchAsync(app);
        await app.StartAsync();
        using var patience = new CancellationTokenSource(Patience);
        // Services with explicit start stay down.
        foreach (var service in builder.Resources.OfType<ProjectResource>()
            .Where(service => !service.Annotations.OfType<ExplicitStartupAnnotation>().Any()))
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync(service.Name, patience.Token);
        }

        Front = app.GetEndpoint("gateway", "http");
        Redis = await ConnectionMultiplexer.ConnectAsync(
            $"{await app.GetConnectionStringAsync("redis")},allowAdmin=true");
    }

    private async Task WatchAsync(DistributedApplication started)
    {
        try
        {
            await foreach (var state in started.ResourceNotifications.WatchAsync(watching.Token))
            {
                states[state.ResourceId] = state;
            }
        }
        catch (OperationCanceledException) when (watching.IsCancellationRequested)
        {
            // The run has ended.
        }
    }
}
