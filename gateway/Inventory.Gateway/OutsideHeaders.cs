using System.Net;
using Inventory.Contracts;

namespace Inventory.Gateway;

/// <summary>
/// Removes the headers that only this gateway may send to the API: the caller's identity (<c>X-Inventory-</c>) and
/// address. Those of a trusted proxy have been read before, and the forwarder writes its own from the connection.
/// </summary>
/// <remarks>
/// In Development a caller on this machine may do more, here and at the API. A proxy on this machine hides the caller's
/// address, so a request through one, trusted or not, never counts as local.
/// </remarks>
internal sealed class OutsideHeaders(RequestDelegate next, IHostEnvironment environment)
{
    private static readonly string[] ReservedPrefixes = [InventoryHeaders.GatewayPrefix, "X-Forwarded-", "X-Original-"];
    private static readonly string[] ReservedNames = ["Forwarded", "X-Real-IP"];

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        List<string>? reserved = null;
        foreach (var header in headers)
        {
            if (IsReserved(header.Key)) (reserved ??= []).Add(header.Key);
        }

        var isProxied = false;
        foreach (var name in reserved ?? [])
        {
            headers.Remove(name);
            isProxied |= !name.StartsWith(InventoryHeaders.GatewayPrefix, StringComparison.OrdinalIgnoreCase);
        }

        var connection = context.Connection;
        if (isProxied && environment.IsDevelopment() && connection.RemoteIpAddress is { } address
            && IPAddress.IsLoopback(address))
        {
            connection.RemoteIpAddress = IPAddress.Any;
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
