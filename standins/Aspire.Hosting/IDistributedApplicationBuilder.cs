using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Describes an application.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>Settings, environment variables and arguments of the AppHost.</summary>
    ConfigurationManager Configuration { get; }

    /// <summary>The folder of the AppHost project.</summary>
    string AppHostDirectory { get; }

    /// <summary>The assembly of the AppHost.</summary>
    Assembly? AppHostAssembly { get; }

    /// <summary>The AppHost's environment.</summary>
    IHostEnvironment Environment { get; }

    /// <summary>The AppHost's own services.</summary>
    IServiceCollection Services { get; }

    /// <summary>What the application is run for.</summary>
    DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <summary>The resources so far.</summary>
    IResourceCollection Resources { get; }

    /// <summary>Adds a resource.</summary>
    /// <exception cref="DistributedApplicationException">Another resource has its name.</exception>
    IResourceBuilder<T> AddResource<T>(T resource) where T : IResource;

    /// <summary>Describes a resource that was added, or that lives outside.</summary>
    IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource;

    /// <summary>Makes the application.</summary>
    DistributedApplication Build();
}

/// <summary>Look-ups by name.</summary>
public static class DistributedApplicationBuilderExtensions
{
    /// <summary>Describes the resource of a name.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is of another type.</exception>
    public static IResourceBuilder<T> CreateResourceBuilder<T>(
        this IDistributedApplicationBuilder builder, string name) where T : IResource =>
        builder.TryCreateResourceBuilder<T>(name, out var found)
            ? found
            : throw new InvalidOperationException($"There is no {typeof(T).Name} '{name}'.");

    /// <summary>Describes the resource of a name.</summary>
    /// <returns>False when there is none, or it is of another type.</returns>
    public static bool TryCreateResourceBuilder<T>(
        this IDistributedApplicationBuilder builder,
        string name,
        [NotNullWhen(true)] out IResourceBuilder<T>? resourceBuilder) where T : IResource
    {
        var found = builder.Resources.FirstOrDefault(
            r => string.Equals(r.Name, name, StringComparison.OrdinalIgnoreCase));
        resourceBuilder = found is T resource ? builder.CreateResourceBuilder(resource) : null;
        return resourceBuilder is not null;
    }
}
