using Inventory.AppHost.Orchestration;
using Microsoft.Extensions.DependencyInjection;

namespace Inventory.AppHost;

/// <summary>What all services have in common.</summary>
internal static class Services
{
    /// <summary>Applies to every service that was added before.</summary>
    public static void ConfigureServices(this IDistributedApplicationBuilder builder, RunSettings settings)
    {
        foreach (var resource in builder.Resources.OfType<ProjectResource>().ToList())
        {
            var service = builder.CreateResourceBuilder(resource);
            if (resource.Annotations.OfType<EndpointAnnotation>().Any()) service.WithHealth();
            if (!settings.Telemetry) service.WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        }

        if (!builder.ExecutionContext.IsRunMode) return;
        builder.RunServicesAsBuilt();
        builder.ReachServicesDirectly(settings.Port);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(settings);
        builder.Services.AddHostedService<Restarts>();
        builder.Services.AddHostedService<RunReport>();
    }

    /// <summary>A service is healthy when the <c>/health</c> of one of its replicas says so.</summary>
    private static IResourceBuilder<ProjectResource> WithHealth(this IResourceBuilder<ProjectResource> service)
    {
        if (!service.ApplicationBuilder.ExecutionContext.IsRunMode) return service;
        var check = $"{service.Resource.Name}_health";
        var endpoint = service.GetEndpoint("http");
        service.ApplicationBuilder.Services.AddHealthChecks().AddPatientCheck(check, async cancellationToken =>
        {
            using var response = await Client.GetAsync(new Uri($"{endpoint.Url}/health"), cancellationToken);
            response.EnsureSuccessStatusCode();
        });
        return service.WithHealthCheck(check);
    }

    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(5) };
}
