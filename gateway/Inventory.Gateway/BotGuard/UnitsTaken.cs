using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;
using Yarp.ReverseProxy.Transforms;

namespace Inventory.Gateway.BotGuard;

/// <summary>Counts the taken units that the API reports in a header, which is removed before callers see it.</summary>
internal sealed class UnitsTaken(TakenUnits counts) : ResponseTransform
{
    public override ValueTask ApplyAsync(ResponseTransformContext context)
    {
        var http = context.HttpContext;
        if (!http.Response.Headers.Remove(InventoryHeaders.UnitsTaken, out var units)) return ValueTask.CompletedTask;

        var subject = http.Request.Headers[InventoryHeaders.Shopper].ToString();
        var isShopper = subject.Length > 0;
        counts.Add(
            units.ToString(),
            isShopper ? subject : null,
            isShopper ? ClientAddress.Of(http.Connection.RemoteIpAddress) : null);
        return ValueTask.CompletedTask;
    }
}
