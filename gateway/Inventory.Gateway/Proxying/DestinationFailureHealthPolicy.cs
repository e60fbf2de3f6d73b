using System.Runtime.CompilerServices;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Takes a replica out of the rotation as soon as its connections show that it is dead. A failure rate, the forwarder's
/// own policy, is too slow for two replicas under load: the dead one fails fastest, so balancing by load would send it
/// most of the traffic until the rate over a window has risen.
/// </summary>
/// <remarks>
/// A refused connection is proof: no process listens. A single request may break a connection, so several must break in
/// a row. A timeout is no evidence, because a slow operation looks the same; the active probe finds a replica that
/// hangs.
/// </remarks>
internal sealed class DestinationFailureHealthPolicy(IDestinationHealthUpdater health) : IPassiveHealthCheckPolicy
{
    /// <summary>One bad request stays below it; a dying process under load passes it in a millisecond.</summary>
    private const int BrokenInARow = 3;

    /// <summary>
    /// Longer than the active probe needs for its verdict (two probes, one second apart, one second each), so that a
    /// replica that stays dead gets no traffic in between.
    /// </summary>
    private static readonly TimeSpan Reactivation = TimeSpan.FromSeconds(4);

    private readonly ConditionalWeakTable<DestinationState, StrongBox<int>> brokenInARow = [];

    public string Name => "DestinationFailure";

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        var broken = brokenInARow.GetOrCreateValue(destination);
        switch (UpstreamOutcome.Of(context))
        {
            case UpstreamFailure.None:
                // Read before write: every request passes here, on every core.
                if (Volatile.Read(ref broken.Value) != 0) Volatile.Write(ref broken.Value, 0);
                break;

            case UpstreamFailure.Unreachable:
            case UpstreamFailure.Interrupted when Interlocked.Increment(ref broken.Value) >= BrokenInARow:
                health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, Reactivation);
                break;
        }
    }
}
