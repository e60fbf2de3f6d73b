namespace Inventory.Gateway;

/// <summary>
/// Removes what only this gateway may tell the API: who is calling (<c>X-Inventory-</c>) and from where. The headers
/// of a trusted proxy have been consumed by then, and the forwarder writes its own from the connection.
/// </summary>
internal sealed class OutsideHeaders(RequestDelegate next)
{
    private static readonly string[] ReservedPrefixes = ["X-Inventory-", "X-Forwarded-", "X-Original-"];
    private static readonly string[] ReservedNames = ["Forwarded", "X-Real-IP"];

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        List<string>? reserved = null;
        foreach (var header in headers)
        {
            if (IsReserved(header.Key)) (reserved ??= []).Add(header.Key);
        }

        foreach (var name in reserved ?? []) headers.Remove(name);
        return next(context);
    }

    private static bool IsReserved(string name)
    {
        // Nearly every header of nearly every request ends here.
        if ((name[0] | 0x20) is not ('x' or 'f')) return false;

        foreach (var prefix in ReservedPrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return ReservedNames.Contains(name, StringComparer.OrdinalIgnoreCase);
    }
}
