using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>One thing that the application consists of: a server, a database, a project.</summary>
public interface IResource
{
    /// <summary>The name, unique in the application whatever its case.</summary>
    string Name { get; }

    /// <summary>What the builder methods said about the resource.</summary>
    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>Something a builder method says about a resource.</summary>
public interface IResourceAnnotation;

/// <summary>The annotations of one resource, in the order they were added.</summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

/// <summary>A resource whose process gets environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>A resource whose process gets arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>A resource that listens somewhere.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>A resource that can wait for others before it starts.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>A resource that runs code.</summary>
public interface IComputeResource : IResource;

/// <summary>A resource that lives inside another one.</summary>
public interface IResourceWithParent : IResource
{
    /// <summary>The resource this one lives in.</summary>
    IResource Parent { get; }
}

/// <summary>A resource that lives inside another one of a known type.</summary>
/// <typeparam name="T">The parent's type.</typeparam>
public interface IResourceWithParent<out T> : IResourceWithParent where T : IResource
{
    /// <summary>The resource this one lives in.</summary>
    new T Parent { get; }

    IResource IResourceWithParent.Parent => Parent;
}

/// <summary>A value that is known by the time the resources start.</summary>
public interface IValueProvider
{
    /// <summary>Returns the value, or null when there is none.</summary>
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>A value that a deployment manifest would name by an expression.</summary>
public interface IManifestExpressionProvider
{
    /// <summary>The expression, for instance <c>{redis.bindings.tcp.port}</c>.</summary>
    string ValueExpression { get; }
}

/// <summary>A value that is both known at run time and nameable in a manifest.</summary>
public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

/// <summary>A resource that clients reach by a connection string.</summary>
public interface IResourceWithConnectionString : IResource, IExpressionValue
{
    /// <summary>The connection string with its parts still unresolved.</summary>
    ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>The variable that carries the connection string, when it is not ConnectionStrings__name.</summary>
    string? ConnectionStringEnvironmentVariable => null;

    /// <summary>Returns the connection string.</summary>
    /// <exception cref="InvalidOperationException">The application has not started, so ports are unknown.</exception>
    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ConnectionStringExpression.GetValueAsync(cancellationToken);

    /// <summary>The parts of the connection string, which WithReference injects as NAME_PART.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() => [];

    string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) =>
        GetConnectionStringAsync(cancellationToken);
}
