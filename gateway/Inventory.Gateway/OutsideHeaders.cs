using System.Net;
using Inventory.Contracts;

namespace Inventory.Gateway;

/// <summary>
/// Removes the headers that only this gateway may send to the API: the caller's identity (<c>X-Inventory-</c>) and
/// address. Those of a trusted proxy have been read before, and the forwarder writes its own from the connection.
/// </summary>
/// <remarks>It remembers that a request came through a proxy, trusted or not: such a request is not local.</remarks>
internal sealed class OutsideHeaders(RequestDelegate next)
{
    private static readonly object Proxied = new();
    private static readonly string[] ReservedPrefixes = [InventoryHeaders.GatewayPrefix, "X-Forwarded-", "X-Original-"];
    private static readonly string[] ReservedNames = ["Forwarded", "X-Real-IP"];

    /// <summary>Whether the caller is a program on this machine, without a proxy in between.</summary>
    public static bool IsLocal(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !context.Items.ContainsKey(Proxied);

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        List<string>? reserved = null;
        foreach (var header in headers)
        {
            if (IsReserved(header.Key)) (reserved ??= []).Add(header.Key);
        }

        foreach (var name in reserved ?? [])
        {
            headers.Remove(name);
            if (!name.StartsWith(InventoryHeaders.GatewayPrefix, StringComparison.OrdinalIgnoreCase))
            {
                context.Items[Proxied] = true;
            }
        }

        return next(context);
    }

    private static bool IsReserved(string name)
    {
        // The fast path: nearly every header starts with another letter.
        if ((name[0] | 0x20) is not ('x' or 'f')) return false;

        foreach (var prefix in ReservedPrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return ReservedNames.Contains(name, StringComparer.OrdinalIgnoreCase);
    }
}
