using System.ComponentModel.DataAnnotations;

namespace Inventory.ServiceDefaults.Draining;

/// <summary>How an instance shuts down. Section <c>Shutdown</c>.</summary>
public sealed class DrainingOptions
{
    /// <summary>The configuration section of these options.</summary>
    public const string Section = "Shutdown";

    /// <summary>
    /// How long an instance still serves after it was told to stop, while its probes say that it is not ready: the time
    /// that senders of requests need to notice. The gateway needs three seconds. 0 in Development.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long requests in flight may still take before they are cut off. Together with the delay, less than the 30 s
    /// after which platforms kill a process.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);
}
