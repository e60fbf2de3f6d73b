using System.Runtime.CompilerServices;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// The rotation: all replicas that no check calls unhealthy, or simply all when none is left. Health is an opinion
/// about the past; with nobody to prefer, trying is better than refusing, and a refused connection costs nothing.
/// Says in one line when a replica leaves or returns, in place of a stack trace for every probe and request.
/// </summary>
internal sealed partial class HealthyOrAll(ILogger<HealthyOrAll> log) : IAvailableDestinationsPolicy
{
    private readonly ConditionalWeakTable<DestinationState, object> _unhealthy = [];

    public string Name => nameof(HealthyOrAll);

    public IReadOnlyList<DestinationState> GetAvailalableDestinations(
        ClusterConfig config, IReadOnlyList<DestinationState> allDestinations)
    {
        var healthy = new List<DestinationState>(allDestinations.Count);
        foreach (var destination in allDestinations)
        {
            var isHealthy = destination.Health is
            { Active: not DestinationHealth.Unhealthy, Passive: not DestinationHealth.Unhealthy };
            if (isHealthy) healthy.Add(destination);
            Report(config, destination, isHealthy);
        }

        return healthy.Count > 0 ? healthy : allDestinations;
    }

    private void Report(ClusterConfig cluster, DestinationState destination, bool isHealthy)
    {
        if (isHealthy)
        {
            if (_unhealthy.Remove(destination)) Back(log, destination.DestinationId, cluster.ClusterId);
        }
        else if (_unhealthy.TryAdd(destination, cluster))
        {
            Out(log, destination.DestinationId, cluster.ClusterId,
                destination.Health.Active == DestinationHealth.Unhealthy ? "its probe fails" : "its connections fail");
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Destination} of {Cluster} is out of the rotation: {Reason}.")]
    private static partial void Out(ILogger log, string destination, string cluster, string reason);

    [LoggerMessage(2, LogLevel.Information, "{Destination} of {Cluster} is back in the rotation.")]
    private static partial void Back(ILogger log, string destination, string cluster);
}
