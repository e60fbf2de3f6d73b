namespace Inventory.ReconciliationWorker.Audit;

/// <summary>The ledger's level of one SKU at one moment.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned.</param>
/// <param name="Version">The version of the row.</param>
/// <param name="MaxPerCustomer">The limit per customer; null for none.</param>
/// <param name="Paused">Whether the SKU is paused.</param>
/// <param name="Explained">The total after the last movement; null without movements.</param>
public sealed record LedgerLevel(
    string Sku, int Total, long Version, int? MaxPerCustomer, bool Paused, int? Explained);

/// <summary>The ledger's row of one partition's part of a reservation.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="Partition">The partition's index.</param>
/// <param name="Holder">The holder.</param>
/// <param name="Status">pending, or how it ended.</param>
/// <param name="Sequence">The number of stored events.</param>
/// <param name="Deadline">The deadline.</param>
/// <param name="CreatedAt">When the hold began.</param>
/// <param name="Lines">A JSON array of the lines.</param>
public sealed record LedgerReservation(
    Guid Id, int Partition, string Holder, string Status, int Sequence, DateTimeOffset Deadline,
    DateTimeOffset CreatedAt, string Lines);
