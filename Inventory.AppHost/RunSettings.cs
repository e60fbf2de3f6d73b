using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Inventory.AppHost;

/// <summary>
/// How a local run differs from the usual one. Section <c>Run</c> of the configuration, or the arguments
/// <c>--port</c>, <c>--replicas</c>, <c>--fresh</c>, <c>--data-folder</c>, <c>--containers</c> and <c>--telemetry</c>.
/// </summary>
internal sealed class RunSettings
{
    private static readonly Dictionary<string, string> Switches = new()
    {
        ["--port"] = "Run:Port",
        ["--replicas"] = "Run:Replicas",
        ["--fresh"] = "Run:Fresh",
        ["--data-folder"] = "Run:DataFolder",
        ["--containers"] = "Run:Containers",
        ["--telemetry"] = "Run:Telemetry",
    };

    /// <summary>The gateway's port, 1 to 65535; 0 for any that is free.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Instances of the reservation API, 1 to 32.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Whether the data of earlier runs is deleted first.</summary>
    public bool Fresh { get; init; }

    /// <summary>Where Redis and PostgreSQL keep their data when they run as processes; by default in the checkout.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Whether Redis and PostgreSQL run in containers; by default, when a container engine is found.</summary>
    public bool? Containers { get; init; }

    /// <summary>Whether services send traces, metrics and logs to the dashboard. Without, nothing is recorded.</summary>
    public bool Telemetry { get; init; } = true;

    /// <summary>Reads the settings, or ends the program with a line that says which one is wrong.</summary>
    public static RunSettings Read(IDistributedApplicationBuilder builder, string[] args)
    {
        // A switch that stands alone means yes.
        builder.Configuration.AddCommandLine([.. args.Select(each => each is "--fresh" ? "--fresh=true" : each)], Switches);
        try
        {
            var settings = builder.Configuration.GetSection("Run")
                .Get<RunSettings>(bind => bind.ErrorOnUnknownConfiguration = true) ?? new();
            if (settings.Port is < 0 or > 65_535) Refuse($"--port must be 0 to 65535, and is {settings.Port}.");
            if (settings.Replicas is < 1 or > 32) Refuse($"--replicas must be 1 to 32, and is {settings.Replicas}.");
            return settings;
        }
        catch (InvalidOperationException unreadable)
        {
            Refuse(unreadable.Message);
            throw;
        }
    }

    /// <summary>Ends the program with one line that says why it can't run.</summary>
    [DoesNotReturn]
    public static void Refuse(string reason)
    {
        Console.Error.WriteLine($"error: {reason}");
        Environment.Exit(1);
    }
}
