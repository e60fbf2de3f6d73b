namespace Aspire.Hosting.ApplicationModel;

/// <summary>Describes one resource. Covariant: WithReference and WaitFor take builders of an interface.</summary>
/// <typeparam name="T">The resource's type.</typeparam>
public interface IResourceBuilder<out T> where T : IResource
{
    /// <summary>The application that the resource belongs to.</summary>
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    /// <summary>The resource.</summary>
    T Resource { get; }

    /// <summary>Adds an annotation, or replaces those of its type.</summary>
    IResourceBuilder<T> WithAnnotation<TAnnotation>(
        TAnnotation annotation,
        ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
        where TAnnotation : IResourceAnnotation;
}

/// <summary>What happens to earlier annotations of the same type.</summary>
public enum ResourceAnnotationMutationBehavior
{
    /// <summary>They stay.</summary>
    Append,

    /// <summary>They are replaced.</summary>
    Replace,
}

/// <summary>The resources of an application.</summary>
public interface IResourceCollection : IList<IResource>;

/// <summary>The resources of a built application.</summary>
/// <param name="resources">All of them.</param>
public class DistributedApplicationModel(IResourceCollection resources)
{
    /// <summary>All resources, in the order they were added.</summary>
    public IResourceCollection Resources { get; } = resources;
}
