namespace Inventory.AppHost.Orchestration;

/// <summary>
/// Runs services as they were built with the AppHost. Aspire would start each by <c>dotnet run</c>, a process of 140 MB
/// that checks whether anything is to be built. Its process id is not the service's.
/// </summary>
internal static class BuiltServices
{
    /// <summary>Applies to every service that was added before.</summary>
    public static void RunServicesAsBuilt(this IDistributedApplicationBuilder builder)
    {
        // An IDE starts services itself, to attach its debugger to them.
        if (!builder.ExecutionContext.IsRunMode || builder.Configuration["DEBUG_SESSION_PORT"] is not null) return;
        foreach (var service in builder.Resources.OfType<ProjectResource>())
        {
            service.Annotations.Add(new ExecutableAnnotation
            {
                Command = builder.ProgramOf(service),
                WorkingDirectory = Path.GetDirectoryName(service.GetProjectMetadata().ProjectPath)!,
            });
        }
    }

    /// <summary>The program of a service that was built together with the AppHost.</summary>
    public static string ProgramOf(this IDistributedApplicationBuilder builder, ProjectResource service)
    {
        // The folder below artifacts/bin/PROJECT, which is the same for all projects that are built together.
        var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var name = Path.GetFileNameWithoutExtension(service.GetProjectMetadata().ProjectPath);
        return Path.Combine(builder.AppHostDirectory, "..", "artifacts", "bin", name, configuration,
            OperatingSystem.IsWindows() ? $"{name}.exe" : name);
    }
}
