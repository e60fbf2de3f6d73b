using System.Net.Sockets;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting;

/// <summary>Projects of this repository.</summary>
public static class ProjectResourceBuilderExtensions
{
    /// <summary>Adds a project with its first launch profile, or the AppHost's own when the project has it.</summary>
    /// <typeparam name="TProject">The class that the build generated for the project.</typeparam>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name) where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(name, _ => { });

    /// <summary>Adds a project with a launch profile.</summary>
    /// <typeparam name="TProject">The class that the build generated for the project.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="launchProfileName">The profile; null for none.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(name, options =>
        {
            options.LaunchProfileName = launchProfileName;
            options.ExcludeLaunchProfile = launchProfileName is null;
        });

    /// <summary>Adds a project.</summary>
    /// <typeparam name="TProject">The class that the build generated for the project.</typeparam>
    /// <exception cref="DistributedApplicationException">The launch profile does not exist.</exception>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, Action<ProjectResourceOptions> configure)
        where TProject : IProjectMetadata, new()
    {
        var options = new ProjectResourceOptions();
        configure(options);
        var project = new TProject();
        var profile = ProfileOf(builder, project, options);
        var resource = builder.AddResource(new ProjectResource(name))
            .WithAnnotation<IProjectMetadata>(project)
            .WithAnnotation(new LaunchAnnotation(ProjectLaunch.PlanAsync, _ => ProjectLaunch.Check(name, project)));
        foreach (var endpoint in EndpointsOf(profile))
        {
            resource.WithAnnotation(endpoint);
        }

        return resource.WithEnvironment(context =>
            ProjectLaunch.AddDefaults(context, profile, builder.Configuration, builder.Environment));
    }

    /// <summary>Runs a project as several processes, each with its own port and service discovery entry.</summary>
    /// <param name="builder">The project.</param>
    /// <param name="replicas">How many, 1 or more.</param>
    public static IResourceBuilder<ProjectResource> WithReplicas(
        this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);
    }

    private static LaunchProfile? ProfileOf(
        IDistributedApplicationBuilder builder, IProjectMetadata project, ProjectResourceOptions options)
    {
        if (options.ExcludeLaunchProfile)
        {
            return null;
        }

        var profiles = LaunchProfile.Read(Path.GetDirectoryName(project.ProjectPath)!);
        if (options.LaunchProfileName is { } wanted)
        {
            return profiles.FirstOrDefault(p => p.Name == wanted) ?? throw new DistributedApplicationException(
                $"{project.ProjectPath} has no launch profile '{wanted}'.");
        }

        var own = builder.Configuration["AppHost:DefaultLaunchProfileName"]
            ?? builder.Configuration["DOTNET_LAUNCH_PROFILE"];
        return profiles.FirstOrDefault(p => p.Name == own) ?? (profiles.Count > 0 ? profiles[0] : null);
    }

    // Absent: https. A process has no proxy in front that would hold a certificate.
    private static IEnumerable<EndpointAnnotation> EndpointsOf(LaunchProfile? profile)
    {
        var addresses = (profile?.ApplicationUrl ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(url => new Uri(url)).Where(url => url.Scheme == Uri.UriSchemeHttp);
        return addresses.Select((url, index) => new EndpointAnnotation(
            ProtocolType.Tcp, "http", name: index == 0 ? "http" : $"http{index + 1}", port: url.Port));
    }
}
