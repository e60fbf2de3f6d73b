using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Drops one message of Kestrel: that it could not read the rest of a body after the answer. It logs this as an error,
/// with a stack trace, for a trailer that is not text. A client could fill the log with it, one line for each request
/// of sixty bytes.
/// </summary>
/// <remarks>
/// By design: no filter of the category, which also has the messages about exceptions and a starved thread pool.
/// </remarks>
internal sealed class MalformedTrailers : LoggingSampler
{
    private const string Category = "Microsoft.AspNetCore.Server.Kestrel";
    private const string Event = "RequestBodyDrainBodyReaderInvalidState";

    /// <inheritdoc/>
    public override bool ShouldSample<TState>(in LogEntry<TState> logEntry) =>
        logEntry.EventId.Name != Event || logEntry.Category != Category;
}
