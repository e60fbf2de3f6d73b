using System.Buffers;
using System.Text;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Problems;
using Inventory.Stock;

namespace Inventory.ReservationApi.Requests;

/// <summary>
/// The Idempotency-Key header of a call that changes something. Method, path and body are the request it stands for,
/// byte for byte: a retry that spells the same JSON differently is another request.
/// </summary>
internal static class IdempotencyKey
{
    internal const string Rule = "must be given once, as 1 to 255 printable ASCII characters";
    private const int MaxLength = 255;

    /// <summary>Reads the header.</summary>
    /// <param name="http">The request.</param>
    /// <param name="body">Its body, empty where it has none.</param>
    /// <param name="key">Null when there is no header, or a bad one.</param>
    /// <returns>Null, unless the header breaks its rule.</returns>
    internal static Refusal? Read(HttpContext http, in ReadOnlySequence<byte> body, out Idempotency? key)
    {
        key = null;
        if (!http.Request.Headers.TryGetValue(InventoryHeaders.IdempotencyKey, out var values)) return null;
        if (values is not [{ Length: > 0 and <= MaxLength } value] || value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return Refusal.Invalid(InventoryHeaders.IdempotencyKey, Rule);
        }
        var operation = $"{http.Request.Method} {http.Request.Path.Value}{NamesIn(http)}\n";
        var operationLength = Encoding.UTF8.GetByteCount(operation);
        var length = operationLength + (int)body.Length;
        var request = ArrayPool<byte>.Shared.Rent(length);
        Encoding.UTF8.GetBytes(operation, request);
        body.CopyTo(request.AsSpan(operationLength));
        key = Idempotency.Create(Caller.Of(http).Name, value, request.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(request);
        return null;
    }

    // Two names may have the same path: see PathNames.
    private static string NamesIn(HttpContext http) =>
        http.Request.Path.Value!.Contains('%', StringComparison.Ordinal)
            ? " " + string.Join(' ', http.Request.RouteValues.Values)
            : "";

    /// <summary>Marks an answer that was given before.</summary>
    internal static void MarkReplayed(HttpContext http, bool replayed)
    {
        if (replayed) http.Response.Headers[InventoryHeaders.IdempotentReplayed] = "true";
    }
}
