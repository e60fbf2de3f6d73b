using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Drops what a span that isn't recorded has caused: a probe's PING, a probe's connection. Samplers that follow the
/// parent do so by themselves; <c>OTEL_TRACES_SAMPLER=always_on</c>, which local runs are given, does not, and would
/// show them as traces of their own.
/// </summary>
internal sealed class UnrecordedParents : BaseProcessor<Activity>
{
    /// <inheritdoc/>
    public override void OnStart(Activity data)
    {
        var unrecorded = data.Parent is { } parent
            ? !parent.Recorded
            // Started later on behalf of a local span, as Redis commands are: the flags close the parent's identifier.
            : !data.HasRemoteParent && data.ParentId?.EndsWith("-00", StringComparison.Ordinal) == true;
        if (unrecorded)
        {
            // Children of this one see the same when they start.
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }
}
