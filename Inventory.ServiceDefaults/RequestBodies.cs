using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Reads bodies of requests, and reports every malformed one in the same way. Kestrel raises a
/// <see cref="BadHttpRequestException"/> for most, but an <see cref="IOException"/> for the size of a chunk that is too
/// large for a number, and an <see cref="InvalidOperationException"/> for a trailer that is not text.
/// </summary>
/// <remarks>
/// By design: what a read throws is not told apart any further. A body that can't be read to its end is the client's
/// fault or that of its connection, and no error of this service. Cancellations pass unchanged.
/// </remarks>
public static class RequestBodies
{
    /// <summary>Reads what has arrived, without waiting.</summary>
    /// <param name="request">The request.</param>
    /// <param name="read">What has arrived.</param>
    /// <returns>Whether there is something to read, or the body has ended.</returns>
    /// <exception cref="BadHttpRequestException">The body is malformed, too large or too slow.</exception>
    public static bool TryReadBody(this HttpRequest request, out ReadResult read)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return request.BodyReader.TryRead(out read);
        }
        catch (Exception e) when (IsMalformed(e))
        {
            throw Malformed(e);
        }
    }

    /// <summary>Waits for more of the body, or for its end.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>All that has arrived and was not consumed.</returns>
    /// <exception cref="BadHttpRequestException">The body is malformed, too large or too slow.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended, or the client has disconnected.</exception>
    public static async ValueTask<ReadResult> ReadBodyAsync(this HttpRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return await request.BodyReader.ReadAsync(cancel);
        }
        catch (Exception e) when (IsMalformed(e))
        {
            throw Malformed(e);
        }
    }

    private static bool IsMalformed(Exception e) => e is not (OperationCanceledException or BadHttpRequestException);

    private static BadHttpRequestException Malformed(Exception e) => new("The body can't be read as HTTP/1.1.", e);
}
