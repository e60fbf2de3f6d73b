namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>What the ledger says of one SKU at one moment.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned.</param>
/// <param name="Version">Which version of the row that is.</param>
/// <param name="MaxPerCustomer">Most units for one customer; null for no limit.</param>
/// <param name="Paused">Whether sale is stopped.</param>
/// <param name="Explained">The total after the last movement; null without movements.</param>
public sealed record LedgerLevel(
    string Sku, int Total, long Version, int? MaxPerCustomer, bool Paused, int? Explained);

/// <summary>What the ledger says of one partition's part of a reservation.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="Partition">The partition's index.</param>
/// <param name="Holder">Who holds it.</param>
/// <param name="Status">pending, or how it ended.</param>
/// <param name="Sequence">Events that are stored.</param>
/// <param name="Deadline">Until when it is held.</param>
/// <param name="CreatedAt">When it was held first.</param>
/// <param name="Lines">A JSON array of the lines.</param>
public sealed record LedgerReservation(
    Guid Id, int Partition, string Holder, string Status, int Sequence, DateTimeOffset Deadline,
    DateTimeOffset CreatedAt, string Lines);
