using System.ComponentModel.DataAnnotations;

namespace Inventory.ServiceDefaults.Draining;

/// <summary>How an instance takes its leave. Section <c>Shutdown</c>.</summary>
public sealed class DrainingOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Shutdown";

    /// <summary>
    /// How long it goes on serving after it was told to stop, while its probes say that it is not ready: as long as
    /// whoever sends it requests needs to notice. Our gateway needs three seconds. 0 in Development.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long requests that have begun may take yet, before they are cut off. With the delay, less than the 30 s
    /// after which platforms kill.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);
}
