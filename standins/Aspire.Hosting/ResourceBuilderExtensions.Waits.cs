using Aspire.Hosting.Processes;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Starts the resource only when another is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => builder.Wait(dependency, WaitKind.Healthy, null);

    /// <summary>Starts the resource only when another is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport => builder.Wait(dependency, WaitKind.Healthy, waitBehavior);

    /// <summary>Starts the resource only when another runs, healthy or not.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => builder.Wait(dependency, WaitKind.Started, null);

    /// <summary>Starts the resource only when another runs, healthy or not.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport => builder.Wait(dependency, WaitKind.Started, waitBehavior);

    /// <summary>
    /// Starts the resource only when another has ended, which is then not taken for a crash and not restarted.
    /// </summary>
    /// <param name="builder">The resource that waits.</param>
    /// <param name="dependency">The resource that ends.</param>
    /// <param name="exitCode">The code it must end with, on every replica.</param>
    public static IResourceBuilder<T> WaitForCompletion<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0)
        where T : IResourceWithWaitSupport
    {
        dependency.Resource.Annotations.Add(new RunsOnceAnnotation());
        return builder.Wait(dependency, WaitKind.Completed, null, exitCode);
    }

    private static IResourceBuilder<T> Wait<T>(
        this IResourceBuilder<T> builder,
        IResourceBuilder<IResource> dependency,
        WaitKind kind,
        WaitBehavior? behavior,
        int exitCode = 0) where T : IResourceWithWaitSupport =>
        ReferenceEquals(builder.Resource, dependency.Resource)
            ? throw new DistributedApplicationException($"'{builder.Resource.Name}' can't wait for itself.")
            : builder.WithAnnotation(new WaitAnnotation(dependency.Resource, kind, behavior, exitCode));
}
