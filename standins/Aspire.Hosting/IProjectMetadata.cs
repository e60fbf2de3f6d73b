namespace Aspire.Hosting;

/// <summary>Where a project lies. The build of an AppHost generates one class of this kind for each project.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    /// <summary>The project file.</summary>
    string ProjectPath { get; }

    /// <summary>Whether the project is built already. Here it always is.</summary>
    bool SuppressBuild => true;

    /// <summary>
    /// The built assembly. Real Aspire has no such member: it leaves finding it to dotnet run, which costs seconds.
    /// </summary>
    string AssemblyPath { get; }
}

/// <summary>What of a project's settings is used.</summary>
public class ProjectResourceOptions
{
    /// <summary>The launch profile; the AppHost's own or the first one when null.</summary>
    public string? LaunchProfileName { get; set; }

    /// <summary>Whether to use no launch profile: no endpoints and no variables from it.</summary>
    public bool ExcludeLaunchProfile { get; set; }

    /// <summary>Whether to ignore Kestrel:Endpoints in configuration, which is never read here.</summary>
    public bool ExcludeKestrelEndpoints { get; set; }
}
