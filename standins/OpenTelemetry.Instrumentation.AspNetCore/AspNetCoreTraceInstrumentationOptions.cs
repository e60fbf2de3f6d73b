using Microsoft.AspNetCore.Http;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>Which incoming requests become spans.</summary>
public class AspNetCoreTraceInstrumentationOptions
{
    /// <summary>False for a request that is not to be traced; null traces every one. Called once per request.</summary>
    public Func<HttpContext, bool>? Filter { get; set; }
}
