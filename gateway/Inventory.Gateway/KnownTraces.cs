using System.Diagnostics;
using Inventory.Contracts;
using Inventory.Identity;

namespace Inventory.Gateway;

/// <summary>
/// Continues a caller's trace only for callers with a key. A trace of any other caller begins here, so that the caller
/// chooses neither the ids of our traces nor what is recorded.
/// </summary>
internal sealed class KnownTraces(ApiKeyRing keys) : DistributedContextPropagator
{
    private readonly DistributedContextPropagator usual = CreateDefaultPropagator();

    public override IReadOnlyCollection<string> Fields => usual.Fields;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) =>
        usual.Inject(activity, carrier, setter);

    public override void ExtractTraceIdAndState(
        object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        (traceId, traceState) = (null, null);
        if (IsKnown(carrier)) usual.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(
        object? carrier, PropagatorGetterCallback? getter) =>
        IsKnown(carrier) ? usual.ExtractBaggage(carrier, getter) : null;

    private bool IsKnown(object? carrier) =>
        carrier is IHeaderDictionary headers && keys.Find(headers[InventoryHeaders.ApiKey]) is not null;
}

/// <summary>Registers <see cref="KnownTraces"/>.</summary>
internal static class KnownTracesServices
{
    /// <summary>Makes the server use it.</summary>
    public static void AddKnownTraces(this IHostApplicationBuilder builder) =>
        builder.Services.AddSingleton<DistributedContextPropagator, KnownTraces>();
}
