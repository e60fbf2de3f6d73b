using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.NetworkInformation;
using Microsoft.Extensions.Configuration;

namespace Inventory.AppHost;

/// <summary>
/// How a local run differs from the usual one: section <c>Run</c> of the configuration, or arguments such as
/// <c>--port 8081</c>.
/// </summary>
internal sealed class RunSettings
{
    private const int UsualPort = 8080;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    // Where Aspire's dashboard listens in a usual run, as Properties/launchSettings.json has it.
    private static readonly Dictionary<string, string> Dashboard = new()
    {
        ["ASPNETCORE_URLS"] = "http://localhost:15280",
        ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://localhost:19280",
        ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = "http://localhost:20280",
    };

    private static readonly Dictionary<string, string> Switches = new()
    {
        ["--port"] = "Run:Port",
        ["--replicas"] = "Run:Replicas",
        ["--fresh"] = "Run:Fresh",
        ["--folder"] = "Run:Folder",
        ["--containers"] = "Run:Containers",
        ["--postgres-tag"] = "Run:PostgresTag",
        ["--telemetry"] = "Run:Telemetry",
    };

    /// <summary>Switches of .NET's host and of Aspire's command line.</summary>
    private static readonly HashSet<string> OfTheHost = new(StringComparer.OrdinalIgnoreCase)
    {
        "--environment", "--contentRoot", "--applicationName", "--urls", "--operation", "--step", "--publisher",
        "--output-path", "--log-level", "--include-exception-details",
    };

    /// <summary>
    /// When the run began, as a timestamp. The process may be older: eng/run.sh builds, and then becomes the AppHost.
    /// </summary>
    public long ReadAt { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>The gateway's port, 1 to 65535; 0 for any that is free.</summary>
    public int Port { get; init; } = UsualPort;

    /// <summary>Instances of the reservation API, 1 to 32.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Whether the data of earlier runs is deleted first.</summary>
    public bool Fresh { get; init; }

    /// <summary>
    /// Where the run keeps its data and endpoints.env, by its full path; by default artifacts/run of the checkout.
    /// </summary>
    public string Folder { get; set; } = "";

    /// <summary>Whether Redis and PostgreSQL run in containers; by default, when a container engine is found.</summary>
    public bool? Containers { get; init; }

    /// <summary>
    /// The tag of PostgreSQL's image, when it runs in a container. The data of one major version can't be opened by
    /// another: after a change of the major version, only a fresh start works.
    /// </summary>
    public string? PostgresTag { get; init; }

    /// <summary>Whether services send traces, metrics and logs to the dashboard; else they record none.</summary>
    public bool Telemetry { get; init; } = true;

    /// <summary>Reads the settings, or ends the program with a line that says which one is wrong.</summary>
    public static RunSettings Read(IDistributedApplicationBuilder builder, string[] args)
    {
        builder.Configuration.AddCommandLine([.. Complete(args, builder.ExecutionContext.IsRunMode)], Switches);
        var settings = Bind(builder.Configuration.GetSection("Run"));
        if (settings.Port is < 0 or > 65_535) Refuse($"--port must be 0 to 65535, and is {settings.Port}.");
        if (settings.Replicas is < 1 or > 32) Refuse($"--replicas must be 1 to 32, and is {settings.Replicas}.");
        settings.Folder = Path.GetFullPath(settings.Folder is "" ? "artifacts/run" : settings.Folder,
            Path.GetFullPath("..", builder.AppHostDirectory));
        if (!builder.ExecutionContext.IsRunMode) return settings;
        settings.AwaitPort();
        settings.PlaceDashboard(builder.Configuration);
        return settings;
    }

    /// <summary>Ends the program with one line that says why it can't run.</summary>
    [DoesNotReturn]
    public static void Refuse(string reason)
    {
        Console.Error.WriteLine($"error: {reason}");
        Environment.Exit(1);
    }

    /// <summary>
    /// The arguments with the value that --fresh may leave out. An unknown switch, or one without its value, is
    /// refused: the configuration would ignore it, and the run would be another one than was asked for.
    /// </summary>
    private static IEnumerable<string> Complete(string[] args, bool isRun)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var (each, next) = (args[i], i + 1 < args.Length ? args[i + 1] : "--");
            var hasValue = each.Contains('=', StringComparison.Ordinal)
                || !next.StartsWith("--", StringComparison.Ordinal);
            if (each is "--fresh" && hasValue && next is not ("true" or "false"))
            {
                Refuse($"--fresh takes true or false, or no value, and not {next}.");
            }

            var name = each.Split('=')[0];
            if (Switches.ContainsKey(name) && !hasValue && each is not "--fresh") Refuse($"{name} needs a value.");
            if (isRun && name.StartsWith("--", StringComparison.Ordinal) && !Switches.ContainsKey(name)
                && !name.Contains(':', StringComparison.Ordinal) && !OfTheHost.Contains(name))
            {
                Refuse($"there is no switch {name}; there are {string.Join(", ", Switches.Keys)}.");
            }

            yield return each is "--fresh" && !hasValue ? "--fresh=true" : each;
            if (!hasValue || each.Contains('=', StringComparison.Ordinal)) continue;
            if (i + 1 < args.Length) yield return args[++i];
        }
    }

    private static RunSettings Bind(IConfigurationSection section)
    {
        try
        {
            return section.Get<RunSettings>(bind => bind.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException unreadable)
        {
            Refuse($"{unreadable.Message} {unreadable.InnerException?.Message}".TrimEnd());
            throw;
        }
    }

    /// <summary>
    /// A run on another port stands beside the usual run. That run's dashboard has the usual ports, so this one gets
    /// free ports.
    /// </summary>
    private void PlaceDashboard(ConfigurationManager configuration)
    {
        foreach (var (name, usual) in Dashboard)
        {
            if (Port != UsualPort) configuration[name] = "http://localhost:0";
            else configuration[name] ??= usual;
        }
    }

    /// <summary>Waits for the gateway of a killed run, which has left its report and ends some seconds later.</summary>
    private void AwaitPort()
    {
        var mayEnd = File.Exists(Path.Combine(Folder, RunReport.FileName));
        for (var waited = Stopwatch.StartNew(); IsTaken(Port); Task.Delay(Glance).Wait())
        {
            if (mayEnd && waited.Elapsed < Patience) continue;
            Refuse($"port {Port} is taken by another program; stop it, or choose another one with --port.");
        }
    }

    private static bool IsTaken(int port) => port > 0 && IPGlobalProperties.GetIPGlobalProperties()
        .GetActiveTcpListeners().Any(listener => listener.Port == port);
}
