using Microsoft.Extensions.DependencyInjection;

namespace Inventory.AppHost.Orchestration;

/// <summary>
/// Lets callers reach services without the TCP proxy that Aspire puts before every endpoint. The proxy halves what the
/// gateway serves and adds 3 ms, and in front of replicas it balances connections instead of requests: a gateway would
/// see one destination, and couldn't probe each replica and take it out of the rotation.
/// </summary>
internal static class DirectEndpoints
{
    /// <summary>
    /// Lets every service of one replica that was added before listen by itself, on <paramref name="port"/> where it is
    /// reached from outside, and on any free port elsewhere. Aspire can't do that for services of several replicas.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="port">A port; 0 for any that is free.</param>
    public static void ReachServicesDirectly(this IDistributedApplicationBuilder builder, int port)
    {
        if (!builder.ExecutionContext.IsRunMode) return;
        foreach (var service in builder.Resources.OfType<ProjectResource>())
        {
            foreach (var endpoint in service.Annotations.OfType<EndpointAnnotation>())
            {
                endpoint.IsProxied = service.GetReplicaCount() > 1;
                endpoint.Port = endpoint.TargetPort = endpoint.IsExternal && port > 0 ? port : null;
            }
        }
    }

    /// <summary>
    /// Passes a service the address of each replica of another service, as service discovery reads them. The service
    /// starts when all replicas have an address; a restarted replica keeps its address.
    /// </summary>
    public static IResourceBuilder<T> WithReplicasOf<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<ProjectResource> service)
        where T : IResourceWithEnvironment
    {
        builder.WithReference(service);
        if (!builder.ApplicationBuilder.ExecutionContext.IsRunMode) return builder;
        return builder.WithEnvironment(async context =>
        {
            var notifications = context.ExecutionContext.Services.GetRequiredService<ResourceNotificationService>();
            var addresses = new SortedDictionary<string, string>(StringComparer.Ordinal);
            await foreach (var change in notifications.WatchAsync(context.CancellationToken))
            {
                if (change.Resource != service.Resource || AddressOf(change.Snapshot) is not { } address) continue;
                addresses[change.ResourceId] = address;
                if (addresses.Count == service.Resource.GetReplicaCount()) break;
            }

            foreach (var (index, address) in addresses.Values.Index())
            {
                context.EnvironmentVariables[$"services__{service.Resource.Name}__http__{index}"] = address;
            }
        });
    }

    private static string? AddressOf(CustomResourceSnapshot snapshot) =>
        snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == "ASPNETCORE_URLS")?.Value;
}
