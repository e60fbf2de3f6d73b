using Inventory.Contracts;
using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Laws of every SKU, and the run of all events through the <see cref="Model"/>.</summary>
public static class StockLaws
{
    /// <summary>Checks all SKUs.</summary>
    /// <param name="evidence">The evidence.</param>
    /// <param name="levels">Receives the available units of each SKU over time.</param>
    public static IEnumerable<Violation> Check(Evidence evidence, Levels levels)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(levels);
        var facts = evidence.Facts;
        return
        [
            .. Replay(facts, levels), .. facts.Stock.SelectMany(stock => Sku(facts, stock)), .. Units(facts),
            .. Restocked(evidence),
        ];
    }

    private static IEnumerable<Violation> Replay(Facts facts, Levels levels)
    {
        var model = new Model(facts.Stock);
        foreach (var stock in facts.Stock) levels.Note(stock.Sku, 0, stock.Initial);
        var received = new Queue<MovementFact>(facts.Movements.OrderBy(each => each.AtMs));
        foreach (var next in facts.Events.OrderBy(each => each.Place).ThenBy(each => each.Sequence))
        {
            while (received.TryPeek(out var movement) && movement.AtMs <= next.AtMs + ReservationLaws.SkewMs)
            {
                received.Dequeue();
                model.Receive(movement.Sku, movement.Quantity);
                levels.Note(movement.Sku, movement.AtMs, model.Available(movement.Sku));
            }

            foreach (var broken in model.Apply(next)) yield return broken;
            foreach (var line in next.Lines) levels.Note(line.Sku, next.AtMs, model.Available(line.Sku));
        }
    }

    private static IEnumerable<Violation> Sku(Facts facts, StockFact stock)
    {
        Violation Breaks(Law law, string what) => new(law, what, null, stock.Sku);

        var sold = Sum(facts.Orders.SelectMany(order => order.Lines), stock.Sku);
        var received = stock.Initial + facts.Movements.Where(each => each.Sku == stock.Sku).Sum(each => each.Quantity);
        var held = Sum(facts.Holds.SelectMany(hold => hold.Lines), stock.Sku);
        if (sold > received) yield return Breaks(Law.NeverOversold, $"{sold} sold of {received} received");
        else if (stock.Total != received - sold)
        {
            yield return Breaks(
                Law.NeverOversold, $"{received} received and {sold} sold, and the total is {stock.Total}");
        }

        if (stock.Reserved < 0 || stock.RedisTotal - stock.Reserved < 0)
        {
            yield return Breaks(Law.NeverNegative, $"{stock.Reserved} reserved of {stock.RedisTotal}");
        }

        if (stock.Reserved != held)
        {
            yield return Breaks(
                Law.ReservedIsTheSumOfHolds, $"{stock.Reserved} are reserved, and {held} in holds");
        }

        if (stock.Total != stock.RedisTotal || stock.Version != stock.RedisVersion)
        {
            yield return Breaks(
                Law.StoresAgree, $"PostgreSQL has {stock.Total} (version {stock.Version}), "
                    + $"Redis {stock.RedisTotal} (version {stock.RedisVersion})");
        }
    }

    private static int Sum(IEnumerable<Line> lines, string sku) =>
        lines.Where(line => line.Sku == sku).Sum(line => line.Quantity);

    private static IEnumerable<Violation> Units(Facts facts)
    {
        var expected = new Dictionary<(string Holder, string Sku), (int Confirmed, int Held)>();
        var bought = facts.Orders.SelectMany(order => order.Lines.Select(line => (order.Holder, line)));
        var held = facts.Holds.SelectMany(hold => hold.Lines.Select(line => (hold.Holder, line)));
        foreach (var (holder, line) in bought)
        {
            var known = expected.GetValueOrDefault((holder, line.Sku));
            expected[(holder, line.Sku)] = known with { Confirmed = known.Confirmed + line.Quantity };
        }

        foreach (var (holder, line) in held)
        {
            var known = expected.GetValueOrDefault((holder, line.Sku));
            expected[(holder, line.Sku)] = known with { Held = known.Held + line.Quantity };
        }

        var counted = facts.Units.ToDictionary(each => (each.Holder, each.Sku), each => (each.Confirmed, each.Held));
        var limited = facts.Stock.Where(stock => stock.Limit is not null).Select(stock => stock.Sku).ToHashSet();
        foreach (var owner in expected.Keys.Union(counted.Keys))
        {
            var (should, says) = (expected.GetValueOrDefault(owner), counted.GetValueOrDefault(owner));
            // A rebuild restores counts of bought units only for SKUs with a limit.
            if (should.Held == says.Held && (should == says || !limited.Contains(owner.Sku))) continue;
            yield return new(
                Law.WithinLimits, $"{owner.Holder} has bought and holds {should}, but Redis counts {says}", null,
                owner.Sku);
        }
    }

    private static IEnumerable<Violation> Restocked(Evidence evidence)
    {
        var written = evidence.Facts.Movements.ToLookup(each => each.Reference);
        var asked = evidence.Operations.Where(each => each.Act == Act.Restock).ToLookup(each => each.Key!);
        foreach (var same in asked)
        {
            var times = written[same.Key].Count();
            if (times > 1 || (times == 0 && same.Any(call => call.Heard == Heard.Done)))
            {
                yield return new(
                    times > 1 ? Law.OneKeyOneEffect : Law.Kept, $"{same.First()} was written {times} times", null,
                    same.First().Lines[0].Sku);
            }
        }

        foreach (var call in evidence.Operations.Where(each => each is { Act: Act.Restock, Status: 500 }))
        {
            yield return new(Law.ClearAnswers, $"a bug: {call}", null, call.Lines[0].Sku);
        }

        foreach (var movement in evidence.Facts.Movements.Where(each => !asked.Contains(each.Reference)))
        {
            yield return new(Law.NothingByItself, $"no call asked for {movement}", null, movement.Sku);
        }
    }
}

/// <summary>Available units of each SKU over time, according to the model.</summary>
public sealed class Levels
{
    private readonly Dictionary<string, List<(long Ms, int Left)>> levels = [];

    /// <summary>Records the units available from this time on. Times of one SKU must not decrease.</summary>
    public void Note(string sku, long ms, int left)
    {
        if (!levels.TryGetValue(sku, out var all)) levels[sku] = all = [];
        all.Add((ms, left));
    }

    /// <summary>The most that was available between two times, both included.</summary>
    public int Most(string sku, long fromMs, long toMs)
    {
        if (!levels.TryGetValue(sku, out var all)) return 0;
        var (low, high) = (0, all.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (all[middle].Ms < fromMs) low = middle + 1;
            else high = middle;
        }

        // Include the level at the beginning of the interval.
        var most = int.MinValue;
        for (var i = Math.Max(low - 1, 0); i < all.Count && all[i].Ms <= toMs; i++) most = Math.Max(most, all[i].Left);
        return most;
    }
}
