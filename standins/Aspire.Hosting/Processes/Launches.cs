using System.Runtime.InteropServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Processes;

/// <summary>Starts projects from their built assembly.</summary>
internal static class ProjectLaunch
{
    private static readonly string[] Telemetry =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS"];

    /// <summary>Throws when the project is not built.</summary>
    /// <exception cref="DistributedApplicationException">Its assembly is missing.</exception>
    public static void Check(string resourceName, IProjectMetadata project)
    {
        if (!File.Exists(project.AssemblyPath))
        {
            throw new DistributedApplicationException(
                $"{resourceName}: {project.AssemblyPath} is missing; build the AppHost, which builds its projects.");
        }
    }

    /// <summary>The variables that all replicas of a project get before those of the AppHost's own code.</summary>
    public static void AddDefaults(
        EnvironmentCallbackContext context,
        LaunchProfile? profile,
        IConfiguration configuration,
        IHostEnvironment environment)
    {
        var variables = context.EnvironmentVariables;
        if (profile is not null)
        {
            variables["DOTNET_LAUNCH_PROFILE"] = profile.Name;
            foreach (var (name, value) in profile.EnvironmentVariables)
            {
                variables[name] = value;
            }
        }

        variables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
        variables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
        variables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        // There is no dashboard to send telemetry to, so it is sent only where the AppHost itself is told to.
        foreach (var name in Telemetry)
        {
            if (configuration[name] is { Length: > 0 } value)
            {
                variables[name] = value;
            }
        }

        if (environment.IsDevelopment())
        {
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        }
    }

    /// <summary>Plans one start of one replica.</summary>
    public static Task<ProcessPlan> PlanAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var project = context.Resource.Annotations.OfType<IProjectMetadata>().Single();
        var variables = new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = context.Resource.Name,
            ["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={context.Suffix}",
        };
        var urls = context.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme == "http")
            .Select(e => new EndpointReference((ProjectResource)context.Resource, e.Name)
                .UrlOf(e.ReplicaPorts[context.Replica])).ToArray();
        if (urls.Length > 0)
        {
            variables["ASPNETCORE_URLS"] = string.Join(';', urls);
        }

        foreach (var (name, value) in context.Environment)
        {
            variables[name] = value;
        }

        var plan = new ProcessPlan(
            DotnetHost(), [project.AssemblyPath, .. context.Arguments], Path.GetDirectoryName(project.ProjectPath)!)
        {
            Environment = variables,
            Output = () => new DotnetOutputReader(),
        };
        return Task.FromResult(plan);
    }

    // The host of the runtime that the AppHost itself runs on, which is not always the one on PATH.
    private static string DotnetHost()
    {
        var host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        return File.Exists(host) ? host : Programs.Find("dotnet", null);
    }
}

/// <summary>Starts programs of this machine.</summary>
internal static class ExecutableLaunch
{
    /// <summary>Plans one start.</summary>
    public static Task<ProcessPlan> PlanAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        var program = (ExecutableResource)context.Resource;
        return Task.FromResult(new ProcessPlan(
            Programs.Find(program.Command, null), context.Arguments, program.WorkingDirectory)
        {
            Environment = context.Environment,
        });
    }
}
