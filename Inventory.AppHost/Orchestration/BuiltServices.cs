namespace Inventory.AppHost.Orchestration;

/// <summary>
/// Runs services as they were built with the AppHost. Aspire would start each by <c>dotnet run</c>, a process of 140 MB
/// that checks whether anything is to be built, and whose process id is not the service's.
/// </summary>
internal static class BuiltServices
{
    /// <summary>Applies to every service that was added before.</summary>
    public static void RunServicesAsBuilt(this IDistributedApplicationBuilder builder)
    {
        // An IDE starts services itself, to attach its debugger to them.
        if (!builder.ExecutionContext.IsRunMode || builder.Configuration["DEBUG_SESSION_PORT"] is not null) return;
        // The folder below artifacts/bin/PROJECT, which is the same for all projects that are built together.
        var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        foreach (var service in builder.Resources.OfType<ProjectResource>())
        {
            var project = service.GetProjectMetadata().ProjectPath;
            var name = Path.GetFileNameWithoutExtension(project);
            service.Annotations.Add(new ExecutableAnnotation
            {
                Command = Path.Combine(builder.AppHostDirectory, "..", "artifacts", "bin", name, configuration,
                    OperatingSystem.IsWindows() ? $"{name}.exe" : name),
                WorkingDirectory = Path.GetDirectoryName(project)!,
            });
        }
    }
}
