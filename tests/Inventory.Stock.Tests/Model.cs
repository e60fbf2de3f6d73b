namespace Inventory.Stock.Tests;

/// <summary>
/// A model of the stock engine in simple C#: one list of holds, no indexes, no counters. A due hold counts as ended,
/// because the next script that loads it expires it.
/// </summary>
internal sealed class Model
{
    public sealed record Sku(int Total, long Version, int? Limit, bool Paused, long LimitsVersion = 0);

    public sealed record Hold(Guid Id, Holder Holder, Dictionary<string, int> Lines)
    {
        public ReservationStatus Status { get; set; } = ReservationStatus.Pending;

        public int Minutes { get; set; } = 10;

        /// <summary>The deadline has passed: the hold stays active only while it is confirming.</summary>
        public bool Overdue { get; set; }

        public int Pin { get; set; }
    }

    public Dictionary<string, Sku> Skus { get; } = [];

    public List<Hold> Holds { get; } = [];

    private static bool IsActive(Hold hold) =>
        hold.Status is ReservationStatus.Pending or ReservationStatus.Confirming;

    private static bool IsConfirming(Hold hold) => hold.Status == ReservationStatus.Confirming;

    public int Reserved(string sku) => Active.Sum(hold => hold.Lines.GetValueOrDefault(sku));

    public int HoldsOf(string sku) =>
        Holds.Count(hold => hold.Status == ReservationStatus.Pending && hold.Lines.ContainsKey(sku));

    private IEnumerable<Hold> Active => Holds.Where(IsActive);

    private int Available(string sku) => Skus[sku].Total - Reserved(sku);

    private int Units(Holder holder, string sku) =>
        Holds.Where(hold => hold.Holder.Owner == holder.Owner)
            .Where(hold => IsActive(hold) || hold.Status == ReservationStatus.Confirmed)
            .Sum(hold => hold.Lines.GetValueOrDefault(sku));

    public ReserveOutcome Reserve(Guid id, Holder holder, Dictionary<string, int> lines, OnExisting onExisting)
    {
        if (Holds.Find(hold => hold.Id == id) is { } known)
        {
            var same = known.Holder == holder && known.Lines.Count == lines.Count && !known.Lines.Except(lines).Any();
            return !same ? ReserveOutcome.IdReused
                : IsActive(known) ? ReserveOutcome.AlreadyHeld : ReserveOutcome.Ended;
        }

        foreach (var sku in lines.Keys.Order(StringComparer.Ordinal))
        {
            if (!Skus.TryGetValue(sku, out var stock)) return ReserveOutcome.UnknownSku;
            if (stock.Paused) return ReserveOutcome.Paused;
        }

        var own = Active
            .Where(hold => hold.Holder.Owner == holder.Owner && hold.Lines.Keys.Any(lines.ContainsKey))
            .ToList();
        var refused = own.SelectMany(hold => hold.Lines.Keys).Any(sku => lines.ContainsKey(sku)
            && (onExisting == OnExisting.Refuse
                || (onExisting == OnExisting.RefuseUnlessLimited && Skus[sku].Limit is null)));
        if (refused || (onExisting == OnExisting.Replace && own.Exists(IsConfirming)))
        {
            return ReserveOutcome.ActiveReservationExists;
        }

        var freed = onExisting == OnExisting.Replace ? own : [];
        int Freed(string sku) => freed.Sum(hold => hold.Lines.GetValueOrDefault(sku));
        if (lines.Any(line =>
            Units(holder, line.Key) - Freed(line.Key) + line.Value > (Skus[line.Key].Limit ?? int.MaxValue)))
        {
            return ReserveOutcome.LimitExceeded;
        }

        if (lines.Any(line => line.Value > Available(line.Key) + Freed(line.Key))) return ReserveOutcome.Insufficient;
        foreach (var hold in freed) hold.Status = ReservationStatus.Released;
        Holds.Add(new(id, holder, lines));
        return ReserveOutcome.Held;
    }

    /// <summary>When the outcome is Held, the caller adds the new hold.</summary>
    public AdjustOutcome Adjust(Holder holder, string sku, int quantity)
    {
        if (!Skus.TryGetValue(sku, out var stock)) return AdjustOutcome.UnknownSku;
        var hold = Active.FirstOrDefault(hold => hold.Holder == holder && hold.Lines.ContainsKey(sku));
        if (hold is not null && IsConfirming(hold)) return AdjustOutcome.Confirming;
        var more = quantity - (hold?.Lines[sku] ?? 0);
        if (hold is not null && more == 0) return AdjustOutcome.AlreadyHeld;
        if (more > 0)
        {
            if (stock.Paused) return AdjustOutcome.Paused;
            if (Units(holder, sku) + more > (stock.Limit ?? int.MaxValue)) return AdjustOutcome.LimitExceeded;
            if (more > Available(sku)) return AdjustOutcome.Insufficient;
        }

        if (hold is null) return AdjustOutcome.Held;
        hold.Lines[sku] = quantity;
        return AdjustOutcome.Adjusted;
    }

    public ExtendOutcome Extend(Guid id, int minutes, int longest)
    {
        if (Holds.Find(hold => hold.Id == id) is not { } hold) return ExtendOutcome.NotFound;
        if (IsConfirming(hold)) return ExtendOutcome.Confirming;
        if (hold.Status != ReservationStatus.Pending) return ExtendOutcome.Ended;
        if (hold.Minutes >= longest) return ExtendOutcome.LifetimeCapped;
        hold.Minutes = Math.Min(longest, hold.Minutes + minutes);
        return ExtendOutcome.Extended;
    }

    public ReleaseOutcome Release(Guid id)
    {
        if (Holds.Find(hold => hold.Id == id) is not { } hold) return ReleaseOutcome.NotFound;
        if (hold.Status == ReservationStatus.Released) return ReleaseOutcome.AlreadyReleased;
        if (IsConfirming(hold)) return ReleaseOutcome.Confirming;
        if (hold.Status != ReservationStatus.Pending) return ReleaseOutcome.Ended;
        hold.Status = ReservationStatus.Released;
        return ReleaseOutcome.Released;
    }

    public static PinOutcome Pin(Hold hold)
    {
        if (IsConfirming(hold)) return PinOutcome.AlreadyPinned;
        if (hold.Status != ReservationStatus.Pending) return PinOutcome.Ended;
        hold.Status = ReservationStatus.Confirming;
        return PinOutcome.Pinned;
    }

    public static UnpinOutcome Unpin(Hold hold)
    {
        if (!IsActive(hold)) return UnpinOutcome.NotFound;
        if (!IsConfirming(hold)) return UnpinOutcome.NotPinned;
        hold.Status = hold.Overdue ? ReservationStatus.Expired : ReservationStatus.Pending;
        return UnpinOutcome.Unpinned;
    }

    /// <summary>The order has been written: its units leave the totals.</summary>
    public CommitOutcome Commit(Hold hold)
    {
        if (hold.Status == ReservationStatus.Confirmed) return CommitOutcome.AlreadyCommitted;
        if (!IsActive(hold)) return CommitOutcome.Ended;
        foreach (var (sku, quantity) in hold.Lines)
        {
            Skus[sku] = Skus[sku] with { Total = Skus[sku].Total - quantity, Version = Skus[sku].Version + 1 };
        }

        hold.Status = ReservationStatus.Confirmed;
        return CommitOutcome.Committed;
    }

    public RestoreOutcome Revive(Hold hold)
    {
        if (IsActive(hold)) return RestoreOutcome.AlreadyThere;
        if (hold.Status != ReservationStatus.Expired) return RestoreOutcome.Ended;
        if (hold.Lines.Any(line => Available(line.Key) < line.Value)) return RestoreOutcome.Insufficient;
        hold.Status = ReservationStatus.Confirming;
        // A revived hold comes after the holds that its holder has made in the meantime.
        Holds.Remove(hold);
        Holds.Add(hold);
        return RestoreOutcome.Restored;
    }

    public SetStockOutcome SetStock(string sku, Sku stock)
    {
        var known = Skus.GetValueOrDefault(sku);
        if (known is null || known.Version < stock.Version)
        {
            Skus[sku] = stock with { LimitsVersion = stock.Version };
            return SetStockOutcome.Applied;
        }

        if (known.LimitsVersion >= stock.Version)
        {
            return known.Version == stock.Version ? SetStockOutcome.Unchanged : SetStockOutcome.Stale;
        }

        // A later commit has already set the total; it doesn't change limit and pause.
        Skus[sku] = known with { Limit = stock.Limit, Paused = stock.Paused, LimitsVersion = stock.Version };
        return (known.Limit, known.Paused) == (stock.Limit, stock.Paused)
            ? SetStockOutcome.Unchanged
            : SetStockOutcome.Applied;
    }
}
