using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Keeps spans that no request caused out of the telemetry. A sampler that follows the parent does part of that by
/// itself; <c>OTEL_TRACES_SAMPLER=always_on</c>, which Aspire gives local runs, does not, and shows each call that a
/// worker makes in the background, 300 a second, as a trace of its own.
/// </summary>
/// <remarks>
/// Dropped is what a span has caused that isn't recorded, such as a health probe's PING; a call to another process that
/// begins a trace, because a loop made it; and a proxy's span that begins one, because it is the proxy's health check.
/// </remarks>
internal sealed class UnrecordedSpans : BaseProcessor<Activity>
{
    private const string Proxy = "Yarp.ReverseProxy";

    /// <inheritdoc/>
    public override void OnStart(Activity data)
    {
        if (!BelongsToNone(data)) return;
        // Children of this one see the same when they start.
        data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        data.IsAllDataRequested = false;
    }

    private static bool BelongsToNone(Activity span)
    {
        if (span.Parent is { } parent) return !parent.Recorded;
        if (span.ParentId is null) return span.Kind == ActivityKind.Client || span.Source.Name == Proxy;
        // Started later on behalf of a local span, as Redis commands are: the flags close the parent's identifier.
        return !span.HasRemoteParent && span.ParentId.EndsWith("-00", StringComparison.Ordinal);
    }
}
