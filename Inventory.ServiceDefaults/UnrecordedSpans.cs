using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Keeps spans that no request caused out of the telemetry. A sampler that follows the parent does part of that by
/// itself. <c>OTEL_TRACES_SAMPLER=always_on</c>, which Aspire gives local runs, does not: each background call of a
/// worker, 300 a second, would be a trace of its own.
/// </summary>
/// <remarks>
/// Dropped are children of a span that isn't recorded, such as a health probe's PING; calls to another process that
/// begin a trace, because a loop makes them; and the proxy's spans that begin one, because they are its health checks.
/// </remarks>
internal sealed class UnrecordedSpans : BaseProcessor<Activity>
{
    private const string Proxy = "Yarp.ReverseProxy";

    /// <inheritdoc/>
    public override void OnStart(Activity data)
    {
        if (!BelongsToNone(data)) return;
        // Children of this span see the flag when they start, and are dropped too.
        data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        data.IsAllDataRequested = false;
    }

    private static bool BelongsToNone(Activity span)
    {
        if (span.Parent is { } parent) return !parent.Recorded;
        if (span.ParentId is null) return span.Kind == ActivityKind.Client || span.Source.Name == Proxy;
        // Spans of Redis commands start later, for a local span: the parent's identifier ends with its flags.
        return !span.HasRemoteParent && span.ParentId.EndsWith("-00", StringComparison.Ordinal);
    }
}
