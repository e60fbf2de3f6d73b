using Inventory.Contracts;
using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi.Requests;

/// <summary>Collects the rules a request breaks, by field. Costs nothing while none is broken.</summary>
internal struct FieldErrors
{
    internal const string Required = "is required";

    // The errors of a body of 64 KiB could fill megabytes.
    private const int MaxFields = 20;
    private const int MaxNameLength = 80;

    private Dictionary<string, string[]>? errors;

    internal readonly bool Any => errors is not null;

    internal void Add(string field, string rule)
    {
        errors ??= [];
        if (errors.Count == MaxFields) return;
        if (field.Length > MaxNameLength) field = string.Concat(field.AsSpan(0, MaxNameLength), "…");
        var rules = errors.GetValueOrDefault(field, []);
        if (!rules.Contains(rule)) errors[field] = [.. rules, rule];
    }

    internal readonly Refusal? ToRefusal() => errors is null ? null : Refusal.Invalid(errors);

    internal void CheckSku(string field, string? sku)
    {
        if (!Names.IsSku(sku)) Add(field, sku is null ? Required : $"must be {Names.SkuRule}");
    }

    internal void CheckHolderId(string field, string? id)
    {
        if (!Names.IsHolderId(id)) Add(field, id is null ? Required : $"must be {Names.HolderIdRule}");
    }

    internal void CheckQuantity(string field, int? quantity)
    {
        if (quantity is not >= 1) Add(field, quantity is null ? Required : "must be 1 or more");
    }

    /// <param name="field">The field.</param>
    /// <param name="seconds">Its value.</param>
    /// <param name="longest">The most it may be.</param>
    internal void CheckSeconds(string field, int? seconds, TimeSpan longest)
    {
        if (seconds >= 1 && seconds <= longest.TotalSeconds) return;
        Add(field, seconds is null ? Required : $"must be 1 to {(long)longest.TotalSeconds} seconds");
    }
}
