namespace Inventory.Contracts;

/// <summary>One SKU and how many units of it.</summary>
/// <param name="Sku">See <see cref="Names.IsSku"/>.</param>
/// <param name="Quantity">Units, 1 or more.</param>
public readonly record struct Line(string Sku, int Quantity);

/// <summary>One SKU's total at one version.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">A higher one is newer.</param>
public readonly record struct SkuTotal(string Sku, int Total, long Version);

/// <summary>The ledger's stock level of one SKU at one moment, as Redis needs it.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">The version of all other values. Redis keeps the values with the highest version.</param>
/// <param name="MaxPerCustomer">Units that one customer may have, 1 or more; null for no limit.</param>
/// <param name="Paused">Whether the SKU is paused.</param>
public sealed record StockLevel(string Sku, int Total, long Version, int? MaxPerCustomer, bool Paused);

/// <summary>A confirmation lease: one attempt to confirm one partition's part of a reservation.</summary>
/// <param name="Partition">The partition's index.</param>
/// <param name="Number">Differs from attempt to attempt.</param>
/// <param name="Epoch">The number of the epoch that the attempt was made in; 0 where it does not matter.</param>
public readonly record struct Lease(int Partition, int Number, long Epoch = 0);
